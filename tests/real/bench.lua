-- Trees, closures, strings and tables; arg[1] is the scale. The same calls every time.
local scale = tonumber(arg and arg[1]) or 1

local function tree(depth)
	if depth == 0 then return {} end
	return {tree(depth - 1), tree(depth - 1)}
end

local function count(node)
	if not node[1] then return 1 end
	return 1 + count(node[1]) + count(node[2])
end

local total = 0
for _ = 1, math.max(1, math.floor(8 * scale)) do total = total + count(tree(13)) end

local words = {}
for i = 1, math.floor(100000 * scale) do
	words[#words + 1] = string.format("%d:%s", i, ("x"):rep(i % 17))
	if #words > 500 then
		for word in table.concat(words, ","):gmatch("%d+") do total = total + #word end
		words = {}
	end
end

local keys = {}
for i = 1, math.floor(200000 * scale) do
	local key = "k" .. i % 997
	keys[key] = (keys[key] or 0) + i
end
print(total, keys.k5)
