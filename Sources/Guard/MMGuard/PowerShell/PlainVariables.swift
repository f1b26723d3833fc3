/// Variables of PowerShell itself that may be read: their values tell nothing and carry nothing that runs.
enum PlainVariables {
    static func isReadable(_ name: String) -> Bool { readable.contains(name.asciiLowercased) }

    private static let readable: Set<String> = [
        "_", "psitem", "true", "false", "null", "psversiontable", "psculture", "psuiculture", "psedition", "islinux",
        "ismacos", "iswindows", "iscoreclr", "pid", "home", "pwd", "pshome", "shellid", "error", "lastexitcode", "?",
        "matches", "confirmpreference", "debugpreference", "erroractionpreference", "verbosepreference",
        "warningpreference", "whatifpreference", "informationpreference", "progresspreference",
        "formatenumerationlimit",
        "ofs", "foreach", "switch",
    ]
}
