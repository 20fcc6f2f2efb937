import { it } from "@effect/vitest"
import { Effect } from "effect"
import { compare } from "./contract/SqlClientComparison.js"
import { servers } from "./support/Backend.js"
const types: Array<[string, Array<string>]> = [
 ["TINYINT",["-128","127"]],["TINYINT UNSIGNED",["255"]],["TINYINT(1)",["1"]],["SMALLINT",["-32768"]],["SMALLINT UNSIGNED",["65535"]],["MEDIUMINT",["-8388608"]],["MEDIUMINT UNSIGNED",["16777215"]],
 ["INT",["-2147483648","7"]],["INT UNSIGNED",["4294967295"]],["BIGINT",["9007199254740991","9007199254740992","-9007199254740992","-9223372036854775808","5"]],["BIGINT UNSIGNED",["18446744073709551615"]],["INT(6) ZEROFILL",["42"]],["BIGINT(20) ZEROFILL",["42"]],
 ["DECIMAL(20,5)",["1.5","-0.00001"]],["FLOAT",["0.1","1e30"]],["FLOAT(7,2)",["1.25"]],["DOUBLE",["0.1","1e300","-0e0"]],["YEAR",["2024","0"]],["BIT(1)",["b'1'"]],["BIT(20)",["b'10101'"]],
 ["DATE",["'2024-02-29'","'0099-01-01'","'1000-01-01'","'9999-12-31'"]],["TIME",["'10:11:12'","'-838:59:59'","'00:00:00'"]],["TIME(3)",["'10:11:12.500'"]],["TIME(6)",["'-10:11:12.000001'"]],
 ["DATETIME",["'2024-02-29 12:34:56'","'1000-01-01 00:00:00'"]],["DATETIME(3)",["'2024-02-29 12:34:56.789'"]],["DATETIME(6)",["'2024-02-29 12:34:56.789123'"]],["TIMESTAMP NULL",["'2024-02-29 12:34:56'"]],["TIMESTAMP(6) NULL",["'2024-02-29 12:34:56.7891'"]],
 ["CHAR(5)",["'abc'"]],["VARCHAR(20)",["'é😀'","''"]],["VARCHAR(20) CHARACTER SET latin1",["'é'"]],["TEXT",["'t'"]],["BINARY(3)",["x'0102'"]],["VARBINARY(5)",["x'ff'"]],["BLOB",["x'00ff'"]],["ENUM('a','b')",["'b'"]],["SET('a','b')",["'a,b'"]],
 ["JSON",["'{\"a\":[1,2.5,null,\"x\"]}'","'[12345678901234567890]'","'3'","'null'"]],["POINT",["ST_GeomFromText('POINT(1 -2.5)')"]],["LINESTRING",["ST_GeomFromText('LINESTRING(0 0,1 2.5)')"]],["POLYGON",["ST_GeomFromText('POLYGON((0 0,4 0,0 3,0 0))')"]],["MULTIPOINT",["ST_GeomFromText('MULTIPOINT((1 2),(3 4))')"]],["GEOMETRY",["ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')"]],
]
const maria: typeof types = [["UUID",["'123e4567-e89b-12d3-a456-426655440000'"]],["INET6",["'::1'"]],["INET4",["'1.2.3.4'"]]]
const exprs = ["1","1.5","1e0","TRUE","NULL","'a'","x'00ff'","1=2","-(-9223372036854775808)","5/2","5 DIV 2","NOW() IS NULL","CAST('2024-02-29' AS DATE)","CAST('2024-02-29 01:02:03' AS DATETIME)","CAST('10:00:00' AS TIME)","SUM(1)","COUNT(*)","AVG(1)","GROUP_CONCAT('a')","JSON_OBJECT('a',1)","JSON_ARRAY(1)","CAST('{}' AS CHAR)","@@sql_mode","@@time_zone","@@collation_connection","@@autocommit","CONCAT('a',1)","UNHEX('61')","1 AS a, 2 AS a","1 AS `__proto__`","1 AS ``"," COUNT (*)"]
for (const b of servers()) it.scopedLive(`cmp [${b.name}]`, () => Effect.gen(function* () {
  const st: Array<any> = []
  const all = b.name === "mariadb" ? [...types, ...maria] : types
  let i = 0
  const setup: Array<string> = []
  for (const [type, values] of all) {
    const t = `zzc_${i++}`
    setup.push(`DROP TABLE IF EXISTS ${t}`, `CREATE TABLE ${t} (id INT PRIMARY KEY AUTO_INCREMENT, v ${type})`, ...values.map((v) => `INSERT INTO ${t} (v) VALUES (${v})`), `INSERT INTO ${t} (v) VALUES (NULL)`)
    st.push({ text: `SELECT v /* ${type} */ FROM ${t} ORDER BY id` })
  }
  const ok = yield* compare(b, setup.map((text) => ({ text, ways: ["execute"] })))
  if (ok.length) console.log("SETUP", ok.join("\n"))
  for (const e of exprs) st.push({ text: `SELECT ${e}` })
  const ps: Array<any> = [1, -1, 2**53-1, 1.5, 1e300, "a", "é😀", true, false, null, new Date(1.7e12), new Date("0050-05-05T00:00:00.123Z"), Buffer.from("xyz"), { a: 1 }, [1,2], 5n, 2n**63n, "", "a'b\\c", undefined, NaN, new Date(NaN), new Uint8Array([1,255]), { toJSON: () => ({ z: 1 }) }]
  for (const p of ps) for (const e of ["?", "HEX(?)", "CONCAT(?)", "? IS NULL", "? + 1", "? / 3", "1.5 * ?", "JSON_TYPE(?)"]) st.push({ text: `SELECT ${e} AS v`, parameters: [p], ways: ["execute", "unprepared"] })
  st.push({ text: "SELECT 1 LIMIT ?", parameters: [1] }, { text: "SELECT 1 LIMIT ?", parameters: [0], ways: ["execute"] })
  console.log(b.name, (yield* compare(b, st)).join("\n"))
}), 120000)
