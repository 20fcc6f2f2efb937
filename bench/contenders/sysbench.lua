-- The point select for sysbench: each thread has a connection of its own with a prepared statement.
sysbench.cmdline.options = {
  table = { "Table to read", "" },
  rows = { "Its rows; their ids are 0, 1, 2 and so on", 1 }
}

local start = 0

function init()
  start = os.clock()
end

function thread_init()
  connection = sysbench.sql.driver():connect()
  statement = connection:prepare(string.format("SELECT * FROM %s WHERE id = ?", sysbench.opt.table))
  id = statement:bind_create(sysbench.sql.type.INT)
  statement:bind_param(id)
end

-- sysbench reads a prepared statement's row, but does not show its columns.
function event()
  id:set(sysbench.rand.uniform(0, sysbench.opt.rows - 1))
  local result = statement:execute()
  if result.nrows ~= 1 then
    error("wrong answer")
  end
  result:free()
end

function thread_done()
  statement:close()
  connection:disconnect()
end

function sysbench.hooks.report_cumulative(all)
  print(string.format('{"events": %d, "seconds": %f, "cpu": %f}', all.events, all.time_total, os.clock() - start))
end
