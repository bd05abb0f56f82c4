-- Errors that unwind the C stack by longjmp, from many places: deep recursion, metamethods, sort and gsub
-- callbacks, coroutines that fail or are left unfinished. Prints what it counted.
local caught, resumed = 0, 0

local function dive(n)
	if n == 0 then error({code = 42}) end
	return dive(n - 1) + 1
end

local function guarded(f, ...)
	local ok, message = pcall(f, ...)
	if not ok then caught = caught + 1 end
	return ok, message
end

for i = 1, 300 do guarded(dive, i % 50) end
for i = 1, 300 do guarded(pcall, dive, i % 20) end
for i = 1, 100 do
	xpcall(dive, function(e) caught = caught + 1; return e end, i % 10)
end

local meta = {}
meta.__index = function(_, key) error("no " .. key) end
meta.__add = function() error("cannot add") end
meta.__tostring = function() error("no text") end
local object = setmetatable({}, meta)
for i = 1, 200 do
	guarded(function() return object["k" .. i % 7] end)
	guarded(function() return object + 1 end)
	guarded(tostring, object)
end

for i = 1, 100 do
	local list = {}
	for j = 1, 50 do list[j] = (j * 37 + i) % 101 end
	guarded(table.sort, list, function(a, b)
		if a == 50 and i % 2 == 0 then error("sort") end
		return a < b
	end)
	guarded(string.gsub, "one two three four", "%a+", function(w)
		if w == "three" then error("gsub") end
		return w:upper()
	end)
	guarded(load, function() error("reader") end)
end

for i = 1, 200 do
	local co = coroutine.create(function(n)
		for j = 1, n do coroutine.yield(pcall(dive, j)) end
		if i % 3 == 0 then error("in a coroutine") end
	end)
	local left = i % 5
	while coroutine.status(co) ~= "dead" do
		local ok = coroutine.resume(co, i % 7)
		resumed = resumed + 1
		if not ok then caught = caught + 1 end
		left = left - 1
		if left == 0 and i % 4 == 0 then break end
	end
end

local wrapped = 0
for i = 1, 100 do
	local generate = coroutine.wrap(function() for j = 1, 5 do coroutine.yield(j) end error("end") end)
	guarded(function() while true do wrapped = wrapped + generate() end end)
end

local function overflow() return 1 + overflow() end
guarded(overflow)
print(caught, resumed, wrapped)
