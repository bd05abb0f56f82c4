/*
 * The built-in listener `flamegraph`: the call tree as one SVG file.
 *
 * Given a call tree, it promises well-formed XML that refers to nothing outside itself, whatever
 * the names hold: a frame per call path, as wide as its share of all that was spent, callees above
 * their callers, a title with name, ns and percent on each. Frames narrower than a tenth of a pixel
 * are left out, which bounds the file. Options: file=PATH and those of call_tree.h.
 */
#include <inttypes.h>
#include <string.h>

#include "builtins_list.h"
#include "call_tree.h"
#include "flamegraph_script.h"
#include "utf8.h"

#define WIDTH 1200u          /* pixels */
#define ROW_HEIGHT 16u       /* pixels */
#define HEAD_HEIGHT 40u      /* pixels above the graph */
#define FOOT_HEIGHT 8u       /* pixels below it */
#define TEXT_MARGIN 3u       /* pixels on each side of a name */
#define CHARACTER_TENTHS 72u /* tenths of a pixel that a character takes */

/* Positions are whole 1/10000 of a pixel, so that zooming into a narrow frame stays exact and the
 * text does not depend on the locale. */
#define UNITS_PER_PIXEL 10000u
#define NARROWEST (UNITS_PER_PIXEL / 10)

struct drawing {
	struct call_tree *tree;
	struct text_output *output;
	struct call_tree_order order;
	uint64_t total; /* weight of everything */
	uint32_t rows;
};

static uint64_t units(const struct drawing *drawing, uint64_t weight)
{
	return (uint64_t)((unsigned __int128)weight * WIDTH * UNITS_PER_PIXEL / drawing->total);
}

static void write_pixels(struct text_output *output, uint64_t position)
{
	text_format(output, "%" PRIu64 ".%04" PRIu64, position / UNITS_PER_PIXEL,
		position % UNITS_PER_PIXEL);
}

static void write_escaped_byte(struct text_output *output, char byte)
{
	switch (byte) {
	case '&':
		text_string(output, "&amp;");
		break;
	case '<':
		text_string(output, "&lt;");
		break;
	case '>':
		text_string(output, "&gt;");
		break;
	case '"':
		text_string(output, "&quot;");
		break;
	default:
		text_char(output, byte);
	}
}

/* U+FFFE and U+FFFF are UTF-8 but not XML. */
static bool is_xml_character(const char *text, size_t size)
{
	return size > 0 &&
	       !(size == 3 && memcmp(text, "\xef\xbf", 2) == 0 && (unsigned char)text[2] >= 0xbe);
}

/* At most `count` characters of a text, escaped. Returns how many bytes of it were used. */
static size_t write_escaped(struct text_output *output, const char *text, size_t count)
{
	const size_t length = strlen(text);
	size_t at = 0;

	for (; at < length && count > 0; count--) {
		const size_t size = utf8_character_size(text + at, length - at);

		if (!is_xml_character(text + at, size)) {
			text_string(output, UTF8_REPLACEMENT);
		} else if (size == 1) {
			write_escaped_byte(output, text[at]);
		} else {
			text_bytes(output, text + at, size);
		}
		at += size ? size : 1;
	}
	return at;
}

static size_t count_characters(const char *text)
{
	size_t count = 0;

	for (size_t left = strlen(text); left > 0; count++) {
		size_t size = utf8_character_size(text, left);

		size = size ? size : 1;
		text += size;
		left -= size;
	}
	return count;
}

/* A name as far as it fits into the width. */
static void write_clipped(struct text_output *output, const char *name, uint64_t width)
{
	const uint64_t pixels = width / UNITS_PER_PIXEL;
	const uint64_t room =
		pixels > 2 * TEXT_MARGIN ? (pixels - 2 * TEXT_MARGIN) * 10 / CHARACTER_TENTHS : 0;

	if (room < 3) {
		return;
	}
	if (count_characters(name) <= room) {
		write_escaped(output, name, (size_t)room);
	} else {
		write_escaped(output, name, (size_t)room - 2);
		text_string(output, "..");
	}
}

/* A warm colour that a name always has. */
static uint32_t colour(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++) {
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	}
	return ((205 + hash % 50) << 16) | ((70 + (hash >> 8) % 150) << 8) | ((hash >> 16) % 60);
}

static void write_title(const struct drawing *drawing, const char *name, uint64_t weight)
{
	const uint64_t hundredths = (uint64_t)((unsigned __int128)weight * 10000 / drawing->total);

	text_string(drawing->output, "<title>");
	write_escaped(drawing->output, name, SIZE_MAX);
	text_format(drawing->output, " (%" PRIu64 " %s, %" PRIu64 ".%02" PRIu64 "%%)</title>",
		weight, drawing->tree->by_calls ? "calls" : "ns", hundredths / 100,
		hundredths % 100);
}

static void write_frame(const struct drawing *drawing, uint32_t node, uint64_t x, uint64_t width)
{
	const struct call_node *frame = &drawing->tree->nodes[node];
	const char *name = drawing->tree->labels[frame->label];
	const uint32_t y = HEAD_HEIGHT + (drawing->rows - 1 - frame->depth) * ROW_HEIGHT;
	struct text_output *output = drawing->output;

	text_string(output, "<g class=\"f\">");
	write_title(drawing, name, drawing->order.totals[node]);
	text_string(output, "<rect x=\"");
	write_pixels(output, x);
	text_format(output, "\" y=\"%u\" width=\"", y);
	write_pixels(output, width);
	text_format(output, "\" height=\"%u\" fill=\"#%06x\"/><text x=\"", ROW_HEIGHT - 1,
		colour(name));
	write_pixels(output, x + TEXT_MARGIN * UNITS_PER_PIXEL);
	text_format(output, "\" y=\"%u\">", y + 11);
	write_clipped(output, name, width);
	text_string(output, "</text></g>\n");
}

/* Draws a node whose weights begin at `begin`, and all above it. */
static void draw(const struct drawing *drawing, uint32_t node, uint64_t begin)
{
	const struct call_tree_order *order = &drawing->order;
	const uint64_t x = units(drawing, begin);
	const uint64_t width = units(drawing, begin + order->totals[node]) - x;

	if (width < NARROWEST) {
		return;
	}
	write_frame(drawing, node, x, width);
	for (uint32_t i = order->first[node]; i < order->first[node + 1]; i++) {
		draw(drawing, order->children[i], begin);
		begin += order->totals[order->children[i]];
	}
}

/* Rows that frames wide enough to be drawn can reach. */
static uint32_t count_rows(const struct drawing *drawing)
{
	uint32_t deepest = 0;

	for (size_t i = 0; i < drawing->tree->node_count; i++) {
		if (drawing->total > 0 &&
			units(drawing, drawing->order.totals[i]) + 1 >= NARROWEST &&
			drawing->tree->nodes[i].depth > deepest) {
			deepest = drawing->tree->nodes[i].depth;
		}
	}
	return deepest + 1;
}

static void write_head(const struct drawing *drawing)
{
	const uint32_t height = HEAD_HEIGHT + drawing->rows * ROW_HEIGHT + FOOT_HEIGHT;

	text_string(drawing->output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	text_format(drawing->output,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%u\" "
		"height=\"%u\" viewBox=\"0 0 %u %u\">\n",
		WIDTH, height, WIDTH, height);
	text_string(drawing->output,
		"<style>text { font: 12px monospace; fill: #000; } .f { cursor: pointer; } "
		".f text { pointer-events: none; } .f:hover rect { stroke: #000; } "
		".b { cursor: pointer; fill: #555; }</style>\n");
	text_format(drawing->output, "<rect width=\"%u\" height=\"%u\" fill=\"#f8f8f8\"/>\n", WIDTH,
		height);
	text_format(drawing->output,
		"<text x=\"%u\" y=\"20\" text-anchor=\"middle\">%s per call path</text>\n",
		WIDTH / 2, drawing->tree->by_calls ? "Calls" : "Time");
	text_format(drawing->output,
		"<text id=\"reset\" class=\"b\" x=\"8\" y=\"20\" "
		"style=\"display:none\">reset</text>\n"
		"<text id=\"search\" class=\"b\" x=\"%u\" y=\"20\" "
		"style=\"display:none\">search</text>\n"
		"<text id=\"matched\" x=\"%u\" y=\"36\" text-anchor=\"end\"></text>\n",
		WIDTH - 56, WIDTH - 8);
}

static int write_flamegraph(struct call_tree *tree)
{
	struct drawing drawing = {.tree = tree, .output = &tree->base.output};

	if (call_tree_order_init(&drawing.order, tree) < 0) {
		return REEL_ENOMEM;
	}
	drawing.total = drawing.order.totals[CALL_TREE_ROOT];
	drawing.rows = count_rows(&drawing);
	write_head(&drawing);
	if (drawing.total > 0) {
		draw(&drawing, CALL_TREE_ROOT, 0);
	} else {
		text_format(drawing.output,
			"<text x=\"%u\" y=\"%u\" text-anchor=\"middle\">nothing to "
			"show</text>\n",
			WIDTH / 2, HEAD_HEIGHT + 12);
	}
	text_string(drawing.output, "<script><![CDATA[\n");
	text_string(drawing.output, flamegraph_script);
	text_string(drawing.output, "]]></script>\n</svg>\n");
	call_tree_order_deinit(&drawing.order);
	return 0;
}

int flamegraph_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	return call_tree_create(
		"flamegraph", write_flamegraph, options_text, default_output, factory, error);
}
