-- Sends one token of the file after the other, at most MOST of them, to ROUTE.
local tokens, place = {}, 0
for line in io.lines(os.getenv("TOKENS")) do tokens[#tokens + 1] = line end
local most = math.min(tonumber(os.getenv("MOST")), #tokens)

function init() place = math.random(most) end

function request()
  place = place % most + 1
  return wrk.format("GET", os.getenv("ROUTE"), { ["Authorization"] = "Bearer " .. tokens[place] })
end
