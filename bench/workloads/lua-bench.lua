-- Trees, n-queens and strings. Usage: lua lua-bench.lua [SCALE]; about 52 million events at scale 1.
local scale = tonumber(arg and arg[1]) or 1

local function tree(depth)
	if depth == 0 then
		return {}
	end
	return { tree(depth - 1), tree(depth - 1) }
end

local function count(node)
	return node[1] and 1 + count(node[1]) + count(node[2]) or 1
end

local nodes = 0
for _ = 1, math.floor(4 * scale + 0.5) do
	nodes = nodes + count(tree(14))
end

local size, solutions = 8, 0

local function safe(columns, row, column)
	for i = 1, row - 1 do
		local other = columns[i]
		if other == column or other - i == column - row or other + i == column + row then
			return false
		end
	end
	return true
end

local function place(columns, row)
	if row > size then
		solutions = solutions + 1
		return
	end
	for column = 1, size do
		if safe(columns, row, column) then
			columns[row] = column
			place(columns, row + 1)
		end
	end
end

for _ = 1, math.floor(6 * scale + 0.5) do
	place({}, 1)
end

local bytes, parts = 0, {}
for i = 1, math.floor(60000 * scale) do
	parts[#parts + 1] = string.format("%d:%s", i, ("x"):rep(i % 17))
	if #parts > 500 then
		local text = table.concat(parts, ",")
		bytes = bytes + #text:gsub("1", "y")
		for digits in text:gmatch("%d+") do
			bytes = bytes + #digits
		end
		parts = {}
	end
end
table.sort(parts)

local sums = {}
for i = 1, math.floor(100000 * scale) do
	local key = "k" .. (i % 997)
	sums[key] = (sums[key] or 0) + i
end

print(nodes, solutions, bytes, sums.k5)
