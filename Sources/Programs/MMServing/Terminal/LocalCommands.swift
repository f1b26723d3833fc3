import MMCLI
import MMCore
import MMOperations

/// The commands of `mm` that are no operations.
enum LocalCommands {
    /// All of them.
    /// - Parameter signals: of a process that is to be the pool.
    static func all(_ catalogue: Catalogue, environment: [String: String], signals: PoolSignals? = nil)
        -> [LocalCommand]
    {
        let others =
            SandboxForwarding.all(environment: environment) + PowerShellCommands.all
            + CmdletCommands.all
            + PINCommands.all(environment: environment) + KeyCommands.all(environment: environment)
            + GuardCommands.all(environment: environment)
            + DoctorCommands.all(environment: environment)
            + MCPCommands.all(environment: environment)
            + DriftCommands.all(environment: environment)
            + PoolCommands.all(environment: environment, signals: signals)
            + IsolatedCommands.all(environment: environment) + [version]
        let shown = others + [completions, ManualPages.command(catalogue, others + [completions])]
        return shown + [CompletionValues.command(catalogue, shown, environment: environment).hidden]
    }

    private static let version = LocalCommand(["version"], summary: "Show the version.") {
        (_, options, streams) throws(MMError) in
        if options.format == .json {
            try streams.writeLine(JSONWriter.string(["version": .string(ProductVersion.text)]))
        } else {
            try streams.writeLine("mm \(ProductVersion.text)")
        }
        return 0
    }

    private static let completions =
        LocalCommand(
            ["completions"], summary: "Print the completion script of a shell.",
            discussion: "bash: source <(mm completions bash)\nzsh: mm completions zsh > ~/.zfunc/_mm\n"
                + "fish: mm completions fish > ~/.config/fish/completions/mm.fish",
            fields: [
                InputField(
                    "shell", .choice(["bash", "zsh", "fish"]), "Which shell.", isRequired: true, at: .positional(0))
            ]
        ) { (input, _, streams) throws(MMError) in
            try streams.write(Array(try CompletionScript.text(for: try input.requiredText("shell")).utf8))
            return 0
        }
}
