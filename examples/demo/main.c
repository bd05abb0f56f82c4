/*
 * An ordinary program to record: two threads, each running a script in a small Lisp. It knows
 * nothing of Reel; compile it with -finstrument-functions:
 *
 *     gcc -O2 -g -finstrument-functions examples/demo/(all .c files) -o demo
 *     reel record ./demo
 */
#include "lisp.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const char numbers[] =
	"(define (fibonacci n) (if (< n 2) n (+ (fibonacci (- n 1)) (fibonacci (- n 2)))))\n"
	"(define (divides d n) (= (% n d) 0))\n"
	"(define (prime n d) (if (< n (* d d)) 1 (if (divides d n) nil (prime n (+ d 1)))))\n"
	"(define (primes n) (if (< n 2) nil (if (prime n 2) (cons n (primes (- n 1)))\n"
	"	(primes (- n 1)))))\n"
	"(define (hanoi n) (if (= n 0) 0 (+ 1 (+ (hanoi (- n 1)) (hanoi (- n 1))))))\n"
	"(print (fibonacci 19))\n"
	"(print (primes 30))\n"
	"(print (hanoi 12))\n";

static const char lists[] =
	"(define (fold f start list) (if (empty list) start\n"
	"	(fold f (f start (first list)) (rest list))))\n"
	"(define (insert n list) (if (empty list) (cons n nil) (if (< n (first list))\n"
	"	(cons n list) (cons (first list) (insert n (rest list))))))\n"
	"(define (sort list) (if (empty list) nil (insert (first list) (sort (rest list)))))\n"
	"(define (random n seed) (if (= n 0) nil\n"
	"	(cons seed (random (- n 1) (% (+ (* seed 75) 74) 65537)))))\n"
	"(define (tree depth) (if (= depth 0) nil (cons (tree (- depth 1)) (tree (- depth 1)))))\n"
	"(define (leaves tree) (if (empty tree) 1 (+ (leaves (first tree)) (leaves (rest "
	"tree)))))\n"
	"(define (safe column distance others) (if (empty others) 1\n"
	"	(if (= (first others) column) nil\n"
	"	(if (= (first others) (+ column distance)) nil\n"
	"	(if (= (first others) (- column distance)) nil\n"
	"	(safe column (+ distance 1) (rest others)))))))\n"
	"(define (queens size row column others) (if (= row size) 1 (if (= column size) 0\n"
	"	(+ (if (safe column 1 others) (queens size (+ row 1) 0 (cons column others)) 0)\n"
	"	(queens size row (+ column 1) others)))))\n"
	"(print (sort (random 12 1)))\n"
	"(print (fold (lambda (a b) (+ a b)) 0 (sort (random 25 7))))\n"
	"(print (leaves (tree 12)))\n"
	"(print (queens 5 0 0 nil))\n";

static void run_script(struct interpreter *interpreter, const char *script)
{
	struct value *expression;

	while (!interpreter->error &&
		(expression = read_expression(interpreter, &script)) != NULL) {
		evaluate(interpreter, &interpreter->global, expression);
	}
}

static void *run_thread(void *script)
{
	struct interpreter *interpreter = interpreter_create();

	run_script(interpreter, script);
	return interpreter;
}

/* Prints what a script has printed. */
static int show(struct interpreter *interpreter)
{
	const char *error = interpreter->error;

	fputs(interpreter->output ? interpreter->output : "", stdout);
	if (error) {
		fprintf(stderr, "demo: %s\n", error);
	}
	interpreter_destroy(interpreter);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void)
{
	pthread_t thread;
	void *other;
	int status;

	if (pthread_create(&thread, NULL, run_thread, (void *)lists) != 0) {
		return EXIT_FAILURE;
	}
	status = show(run_thread((void *)numbers));
	if (pthread_join(thread, &other) != 0) {
		return EXIT_FAILURE;
	}
	return show(other) == EXIT_SUCCESS ? status : EXIT_FAILURE;
}
