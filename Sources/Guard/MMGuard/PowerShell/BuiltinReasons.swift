/// The reasons why PowerShell's own commands require confirmation, by what each command does.
enum BuiltinReasons {
    /// Returns the effect of a command, in words that follow its name; `nil` if the description of its class suffices.
    static func reason(_ name: String) -> String? { reasons[name.asciiLowercased] }

    private static let reasons: [String: String] = [
        "get-content": "reads a file of this machine that is not a data file of the working folder",
        "import-csv": "reads a file of this machine that is not a data file of the working folder",
        "import-clixml": "reads a file of this machine that is not a data file of the working folder",
        "import-powershelldatafile": "reads a file of this machine",
        "get-item": "reads whatever its path names: a file, a variable, a part of the environment",
        "get-itemproperty": "reads whatever its path names",
        "get-itempropertyvalue": "reads whatever its path names",
        "get-variable": "shows variables of the session, in which earlier answers may stand",
        "get-history": "shows what ran in the session before",
        "get-clipboard": "reads the clipboard of this machine",
        "get-credential": "asks for a password, which nobody can type here",
        "read-host": "waits for somebody to type, which nobody can here",
    ]
}
