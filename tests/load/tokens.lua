-- Sends one token of the file after the other; each thread begins somewhere else.
local tokens, place = {}, 0
for line in io.lines(os.getenv("TOKENS")) do tokens[#tokens + 1] = line end
local most = tonumber(os.getenv("MOST") or #tokens)

function init() place = math.random(most) end

function request()
  place = place % most + 1
  return wrk.format("GET", "/protected", { ["Authorization"] = "Bearer " .. tokens[place] })
end
