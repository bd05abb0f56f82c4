/*
 * C++: exceptions through many frames, caught, thrown on, thrown in destructors' company, with
 * constructors before main, virtual functions, templates, lambdas and inlining.
 */
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace shapes
{
struct shape {
	virtual ~shape() = default;
	virtual double area() const = 0;
};

template <class T> struct square final : shape {
	T side;
	explicit square(T s) : side(s)
	{
	}
	double area() const override
	{
		return static_cast<double>(side * side);
	}
};
} // namespace shapes

struct early {
	int value;
	early() : value(compute(7))
	{
	}
	static int compute(int n)
	{
		return n <= 1 ? 1 : n * compute(n - 1);
	}
};

static early before_main;
static int destroyed;

struct guard {
	~guard()
	{
		destroyed++;
	}
};

static int thrower(int depth)
{
	guard here;

	if (depth == 0) {
		throw std::runtime_error("bottom");
	}
	return thrower(depth - 1) + 1;
}

static int catcher(int depth)
{
	try {
		return thrower(depth);
	} catch (const std::logic_error &) {
		return -1;
	}
}

static void throw_on(int depth)
{
	try {
		catcher(depth);
	} catch (...) {
		guard here;
		throw;
	}
}

static int rounds(int count)
{
	int caught = 0;

	for (int i = 0; i < count; i++) {
		try {
			throw_on(i % 10);
		} catch (const std::exception &error) {
			caught += static_cast<int>(std::string(error.what()).size());
		}
	}
	return caught;
}

int main()
{
	std::vector<std::unique_ptr<shapes::shape>> shapes;
	std::vector<int> numbers;
	double total = 0;

	for (int i = 0; i < 20; i++) {
		shapes.push_back(std::make_unique<shapes::square<int>>(i));
		numbers.push_back(i * 7 % 20);
	}
	std::for_each(shapes.begin(), shapes.end(), [&](auto &shape) { total += shape->area(); });
	std::sort(numbers.begin(), numbers.end(), std::greater<int>());
	std::printf("area %.0f first %d early %d\n", total, numbers[0], before_main.value);
	int caught = rounds(50);

	std::printf("caught %d destroyed %d\n", caught, destroyed);
	return 3;
}
