-- Sends one credential of the file CREDENTIALS after the other, at most MOST of them, to ROUTE: in the
-- header HEADER, or else as a bearer token.
local credentials, place = {}, 0
for line in io.lines(os.getenv("CREDENTIALS")) do credentials[#credentials + 1] = line end
local most = math.min(tonumber(os.getenv("MOST")), #credentials)
local header = os.getenv("HEADER")

function init() place = math.random(most) end

function request()
  place = place % most + 1
  local value = credentials[place]
  if header then return wrk.format("GET", os.getenv("ROUTE"), { [header] = value }) end
  return wrk.format("GET", os.getenv("ROUTE"), { ["Authorization"] = "Bearer " .. value })
end
