-- Work for the real Lua: deep recursion, garbage, strings, errors that longjmp across many frames,
-- coroutines that yield out of C calls, and errors inside coroutines.
local function fib(n)
	return n < 2 and n or fib(n - 1) + fib(n - 2)
end
print("fib", fib(15))

local function fail_at(depth)
	if depth == 0 then
		error({ code = 7 })
	end
	return 1 + fail_at(depth - 1)
end

local caught = 0
for i = 1, 200 do
	local ok, problem = pcall(fail_at, i % 40)
	if not ok and problem.code == 7 then
		caught = caught + 1
	end
	-- Through a C function: table.sort calls back and the error passes through it.
	ok = pcall(table.sort, { 3, 1, 2 }, function()
		error("no order")
	end)
	caught = caught + (ok and 0 or 1)
end
print("caught", caught)

local function generate(n)
	for i = 1, n do
		coroutine.yield(i)
	end
	error("the end")
end

local sum = 0
for i = 1, 50 do
	local thread = coroutine.create(generate)
	while true do
		local ok, value = coroutine.resume(thread, i)
		if not ok or value == nil then
			break
		end
		sum = sum + value
	end
end
print("coroutines", sum)

local words = {}
for word in (("the quick brown fox "):rep(50)):gmatch("%a+") do
	words[#words + 1] = word:upper()
end
table.sort(words)
print(#words, words[1], words[#words])

print(select("#", pcall(string.rep, "x", -1)), pcall(function()
	local function forever(n)
		return forever(n + 1) + 1
	end
	return forever(1)
end))
collectgarbage()
os.exit(3, true)
