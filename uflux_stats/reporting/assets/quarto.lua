-- What pandoc lacks of Quarto: numbered figures and tables, references to them, callouts, tabsets.
-- Written for the documents in reports/, not for all that Quarto can do.

local NAMES = {fig = "Figure", tbl = "Table", sec = "Section"}
local counts = {fig = 0, tbl = 0}
local numbers = {}
local sections = {}
local tabsets = 0

local function kind_of(label)
  return label:match("^(%a+)%-")
end

-- first pass: give every labelled block its number, every section its name
local function count(block)
  local kind = block.identifier ~= "" and kind_of(block.identifier)
  if counts[kind] and block.classes:includes("captioned") then
    counts[kind] = counts[kind] + 1
    numbers[block.identifier] = counts[kind]
  end
end

local function remember(header)
  if header.identifier:match("^sec%-") then
    sections[header.identifier] = pandoc.utils.stringify(header)
  end
end

-- second pass
local function reference(cite)
  local inlines = pandoc.List()
  for _, one in ipairs(cite.citations) do
    local label = one.id
    local text
    if numbers[label] then
      text = NAMES[kind_of(label)] .. "\u{a0}" .. numbers[label]
    elseif sections[label] then
      text = sections[label]
    elseif NAMES[kind_of(label) or ""] then
      error("document: expected a block or section named " .. label .. ", got none")
    else
      return nil
    end
    inlines:insert(pandoc.Link(text, "#" .. label))
  end
  return inlines
end

local function captioned(block)
  local body, caption = pandoc.Blocks({}), pandoc.Blocks({})
  for _, one in ipairs(block.content) do
    if one.t == "Div" and one.classes:includes("caption") then
      caption = one.content
    else
      body:insert(one)
    end
  end
  local number = numbers[block.identifier]
  if number and caption[1] then
    local name = NAMES[kind_of(block.identifier)] .. "\u{a0}" .. number .. ". "
    caption[1].content:insert(1, pandoc.Strong(name))
  end
  local html = pandoc.Blocks({})
  local id = block.identifier ~= "" and (' id="' .. block.identifier .. '"') or ""
  local class = block.classes:includes("tbl") and "tbl" or "fig"
  html:insert(pandoc.RawBlock("html", "<figure" .. id .. ' class="' .. class .. '">'))
  local legend = pandoc.Blocks({pandoc.RawBlock("html", "<figcaption>")})
  legend:extend(caption)
  legend:insert(pandoc.RawBlock("html", "</figcaption>"))
  if class == "tbl" then html:extend(legend) html:extend(body) else html:extend(body) html:extend(legend) end
  html:insert(pandoc.RawBlock("html", "</figure>"))
  return html
end

local function escaped(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub('"', "&quot;"))
end

local function callout(block, kind)
  local title = block.attributes.title or (kind:sub(1, 1):upper() .. kind:sub(2))
  local html = pandoc.Blocks({})
  local class = 'class="callout callout-' .. kind .. '"'
  local folded = block.attributes.collapse == "true"
  if folded then
    html:insert(pandoc.RawBlock("html", "<details " .. class .. "><summary>" .. escaped(title) .. "</summary>"))
  else
    html:insert(pandoc.RawBlock("html", "<aside " .. class .. ' aria-label="' .. escaped(title)
      .. '"><p class="callout-title">' .. escaped(title) .. "</p>"))
  end
  html:extend(block.content)
  html:insert(pandoc.RawBlock("html", folded and "</details>" or "</aside>"))
  return html
end

-- each heading inside a tabset is a tab; page.js makes them work, without it all panels show
local function tabset(block)
  tabsets = tabsets + 1
  local html = pandoc.Blocks({pandoc.RawBlock("html", '<div class="tabset">')})
  local panel = 0
  for _, one in ipairs(block.content) do
    if one.t == "Header" then
      if panel > 0 then html:insert(pandoc.RawBlock("html", "</section>")) end
      panel = panel + 1
      local id = "tabset-" .. tabsets .. "-" .. panel
      html:insert(pandoc.RawBlock("html", '<section class="panel" id="' .. id .. '" data-tab="'
        .. escaped(pandoc.utils.stringify(one)) .. '">'))
    else
      html:insert(one)
    end
  end
  if panel > 0 then html:insert(pandoc.RawBlock("html", "</section>")) end
  html:insert(pandoc.RawBlock("html", "</div>"))
  return html
end

local function block(div)
  if div.classes:includes("captioned") then return captioned(div) end
  if div.classes:includes("panel-tabset") then return tabset(div) end
  for _, class in ipairs(div.classes) do
    local kind = class:match("^callout%-(%a+)$")
    if kind then return callout(div, kind) end
  end
end

return {
  {Div = count, Header = remember},
  {Cite = reference},
  {Div = block},
}
