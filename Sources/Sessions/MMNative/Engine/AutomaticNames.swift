/// The variables that PowerShell itself sets or reads. Those of the actions of events are none where nothing waits for events.
enum AutomaticNames {
    private static let names: Set<String> = [
        "$", "?", "^", "args", "confirmpreference", "consolefilename", "debugpreference", "enabledexperimentalfeatures",
        "error", "erroractionpreference", "errorview", "executioncontext",
        "foreach", "formatenumerationlimit", "home", "host", "informationpreference", "input", "iscoreclr", "islinux",
        "ismacos", "iswindows", "lastexitcode", "logcommandhealthevent", "logcommandlifecycleevent",
        "logenginehealthevent", "logenginelifecycleevent", "logproviderhealthevent", "logproviderlifecycleevent",
        "matches", "maximumhistorycount", "myinvocation", "nestedpromptlevel", "null", "ofs", "outputencoding", "pid",
        "profile", "progresspreference", "psboundparameters", "pscmdlet", "pscommandpath", "psculture",
        "psdebugcontext", "psdefaultparametervalues", "psedition", "psemailserver", "pshome", "psitem",
        "pslogusercertificate", "psmoduleautoloadingpreference", "psnativecommandargumentpassing",
        "psnativecommanduseerroractionpreference", "psscriptroot", "pssenderinfo", "pssessionapplicationname",
        "pssessionconfigurationname", "pssessionoption", "psstyle", "psuiculture", "psversiontable", "pwd",
        "shellid", "stacktrace", "switch", "this", "transcript", "true", "false", "_", "verbosepreference",
        "warningpreference", "whatifpreference",
    ]

    /// Whether a lower-case name is one of them.
    static func contains(_ name: String) -> Bool { names.contains(name) }
}
