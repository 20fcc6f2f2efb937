/**
 * What options are called elsewhere: in aiomysql and PyMySQL, in SQLAlchemy, in mysql2 and @effect/sql-mysql2, and in
 * option files of the servers' own clients. Who gives one of those is told the name here.
 *
 * @since 0.1.0
 */

/** By the name in small letters without `_` and `-`: the option here, or why there is none. */
const elsewhere: Readonly<Record<string, { readonly option: string } | { readonly instead: string }>> = {
  db: { option: "database" },
  dbname: { option: "database" },
  passwd: { option: "password" },
  username: { option: "user" },
  hostname: { option: "host" },
  socket: { option: "unixSocket" },
  socketpath: { option: "unixSocket" },
  uri: { option: "url" },
  databaseuri: { option: "url" },
  poolsize: { option: "maxSize" },
  poolmaxsize: { option: "maxSize" },
  poolminsize: { option: "minSize" },
  maxconnections: { option: "maxSize" },
  minconnections: { option: "minSize" },
  connectionlimit: { option: "maxSize" },
  maxoverflow: { option: "maxSize" },
  queuelimit: { option: "maxWaiters" },
  pooltimeout: { option: "acquireTimeout" },
  poolrecycle: { option: "recycle" },
  connectionttl: { option: "recycle" },
  poolpreping: { option: "validateAfter" },
  querycachesize: { option: "statementCacheSize" },
  maxpreparedstatements: { option: "statementCacheSize" },
  multiplestatements: { option: "multiStatements" },
  enablecleartextplugin: { option: "allowClearPassword" },
  getserverpublickey: { option: "allowPublicKeyRetrieval" },
  defaultcharacterset: { option: "charset" },
  timeout: { option: "connectTimeout" },
  bignumberstrings: { option: "integers" },
  supportbignumbers: { option: "integers" },
  decimalnumbers: { option: "decimals" },
  datestrings: { option: "dateTimes" },
  ssl: { option: "tls" },
  sslca: { instead: "tls, whose member ca is the text of that file" },
  sslcert: { instead: "tls, whose member cert is the text of that file" },
  sslkey: { instead: "tls, whose member key is the text of that file" },
  sslmode: { instead: 'tls: true, or tls: { verify: false }, or tls: { verify: "ca" }' },
  sslverifycert: { instead: "tls: { verify: false } where nothing is to be verified" },
  sslverifyidentity: { instead: 'tls: { verify: "ca" } where the name is not to be verified' },
  ssldisabled: { instead: "tls: false" },
  readdefaultfile: { instead: "Options.fromFile, which reads option files by a FileSystem" },
  readdefaultgroup: { instead: "Options.fromFile, which reads option files by a FileSystem" },
  defaultsfile: { instead: "Options.fromFile, which reads option files by a FileSystem" },
  clientflag: { instead: "multiStatements or localInfile: the other flags are as this driver needs them" },
  flags: { instead: "multiStatements or localInfile: the other flags are as this driver needs them" },
  conv: {
    instead: "decoders, or integers, decimals, dateTimes, json, booleans and zeroDates, which say what values become"
  },
  typecast: {
    instead: "decoders, or integers, decimals, dateTimes, json, booleans and zeroDates, which say what values become"
  },
  cursorclass: { instead: "nothing: rows are read by name and by place" },
  rowsasarray: { instead: "nothing: rows are read by name and by place" },
  namedplaceholders: { instead: "nothing: markers are ? or :name in every statement" },
  useunicode: { instead: "nothing: text is always Unicode" },
  authplugin: { instead: "nothing: the server names the method of the account" },
  maxallowedpacket: { instead: "nothing: the server's own limit holds" },
  timezone: { instead: "nothing: the session is in UTC, so that dates are what they say" },
  compress: { instead: "nothing: the protocol is not compressed" },
  loop: { instead: "nothing: Effect's runtime runs everything" },
  readtimeout: { instead: "Effect.timeout around a statement, which is then killed on the server" },
  writetimeout: { instead: "Effect.timeout around a statement, which is then killed on the server" },
  waitforconnections: { instead: "acquireTimeout: who finds no connection waits for so long" },
  maxidle: { instead: "idleTimeout and minSize" },
  connectargs: { instead: "the options themselves" },
  poolconfig: { instead: "the options themselves" }
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, "")

/**
 * What to use instead of an option by that name, if anything is known of it: one of `options` that differs only in how it
 * is written, or what an option of that name elsewhere is here.
 *
 * @since 0.1.0
 * @category reading
 */
export const nameHere = (name: string, options: ReadonlyArray<string>): string | undefined => {
  const same = options.find((option) => option !== name && plain(option) === plain(name))
  if (same !== undefined) return `${same}, which is its name here`
  const other = Object.hasOwn(elsewhere, plain(name)) ? elsewhere[plain(name)] : undefined
  if (other === undefined) return undefined
  return "instead" in other ? other.instead : `${other.option}, which is its name here`
}
