import MMCLI
import MMCore
import MMOperations
import MMPowerShell

/// `mm sandbox pwsh`: the stand-in for PowerShell. It takes pwsh's own arguments, so the ordinary command line must not
/// read them.
enum PowerShellStandInCommand {
    /// Runs the stand-in when these words ask for it.
    /// - Parameters:
    ///   - words: the words after the program's name.
    ///   - environment: of the process.
    /// - Returns: its exit code; `nil` when the words ask for something else.
    static func run(_ words: [String], environment: [String: String]) async -> Int32? {
        guard words.count > 2, words[0] == "sandbox", words[1] == "pwsh", !words.contains("--help") else { return nil }
        return await PowerShellStandIn.run(
            arguments: Array(words.dropFirst(2)), environment: environment, evaluator: NativeEvaluator(),
            tenant: SandboxModuleTenant.init)
    }

    /// The entry in help and completion.
    static let entry = LocalCommand(
        ["sandbox", "pwsh"],
        summary: "Be a stand-in for PowerShell: started like pwsh, for tests and the sandbox tenant.",
        discussion: "It takes the arguments of pwsh, gives recorded answers, and never claims to be a real PowerShell."
    ) { (_, _, streams) throws(MMError) in
        streams.note("mm sandbox pwsh takes the arguments of pwsh; sessions start it.")
        return 2
    }
}
