internal import MMCore
import PowerShellSyntax

/// The reasons why PowerShell's own commands require confirmation, by what each command does.
enum BuiltinReasons {
    /// Returns the effect of a command, in words that follow its name.
    static func reason(_ name: String, _ guardClass: GuardClass) -> String {
        reasons[name.asciiLowercased] ?? meaning(guardClass)
    }

    /// What these classes mean for commands that work in the session and on this machine.
    private static func meaning(_ guardClass: GuardClass) -> String {
        switch guardClass {
        case .privilege: "runs commands that this text doesn't show, or changes how the session runs them"
        case .session: "changes what names mean in the session, its modules, or its sign-in"
        case .secret: "shows what may be a secret of this machine or session"
        default: guardClass.meaning
        }
    }

    private static let reasons: [String: String] = [
        "get-content": "reads a local file that is not a data file in the working folder",
        "import-csv": "reads a local file that is not a data file in the working folder",
        "import-clixml": "reads a local file that is not a data file in the working folder",
        "import-powershelldatafile": "reads a local file",
        "get-item": "reads what its path refers to: a file, a variable or the environment",
        "get-itemproperty": "reads what its path refers to",
        "get-itempropertyvalue": "reads what its path refers to",
        "get-variable": "shows variables of the session, which may contain earlier answers",
        "get-history": "shows earlier commands of the session",
        "get-clipboard": "reads the clipboard of this machine",
        "get-credential": "asks for a password, and there is nobody to type it",
        "new-pssession": "opens a session on another machine; \(SignInCmdlet.formerSessions)",
        "read-host": "waits for input, and there is nobody to type it",
    ]
}
