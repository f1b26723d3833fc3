import MMCore
import MMIdentity
import MMSystem
import PowerShellSyntax

/// Tools that insist on the token of an app (`idtyp`, `roles`) where they sign in with a machine's identity: with a person's they
/// would fail far from the cause, so nothing is started.
enum AppIdentityNeed {
    /// The modules whose services take a machine's identity as an app alone.
    private static let modules: Set = ["exo", "compliance", "teams"]
    private static let programs: Set = ["pwsh", "powershell", "pwsh-preview"]
    private static let mostBytes = 1 << 20

    /// Refuses a command that needs an app's token where a person has signed in.
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - directory: where it starts.
    ///   - account: who has signed in.
    static func check(
        _ command: [String], in directory: String, for account: SignedInAccount, of connection: Connection
    ) throws(MMError) {
        guard !account.isApp, let program = command.first?.split(separator: "/").last,
            programs.contains(String(program)),
            let text = script(Array(command.dropFirst()), in: directory), let call = signIn(text)
        else { return }
        throw MMError(
            .unsupported,
            "\(call) insists on an app's token, and \(connection.name) signs in a person (\(account.title)). The program was not "
                + "started.",
            hint:
                "Use a connection that signs in as an app (a certificate, a secret, a federated credential), or have the cmdlets "
                + "run where a person's sign-in serves: mm run \(ShellWord.quoted(connection.name)) …",
            details: ["needs": "app", "account": .string(account.title)])
    }

    /// The text that a PowerShell is started with; nil where there is none, or it can't be read.
    private static func script(_ arguments: [String], in directory: String) -> String? {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let name = word.lowercased()
            guard name.hasPrefix("-") else { return file(word, in: directory) }
            if name == "-c" || "-command".hasPrefix(name) && name.count > 3 { return rest.joined(separator: " ") }
            if name == "-f" || "-file".hasPrefix(name) && name.count > 2 {
                return rest.first.flatMap { file($0, in: directory) }
            }
            if valued.contains(where: { $0.hasPrefix(name) && name.count > 2 }) { rest = rest.dropFirst() }
        }
        return nil
    }

    /// Parameters of the program that take a value.
    private static let valued = [
        "-workingdirectory", "-executionpolicy", "-inputformat", "-outputformat", "-configurationname", "-settingsfile",
        "-custompipename", "-windowstyle", "-configurationfile",
    ]

    private static func file(_ name: String, in directory: String) -> String? {
        let path = name.hasPrefix("/") ? name : directory + "/" + name
        guard let bytes = (try? ProtectedFile.read(path, limit: mostBytes)) ?? nil else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The call by which a script signs in with the machine's identity, where that has to be an app's.
    private static func signIn(_ text: String) -> String? {
        for item in ScriptFacts(of: PowerShellParser.parse(text)).items {
            guard case .command(let command) = item.detail, let name = command.name,
                let cmdlet = SignInCmdlet.named(name.split(separator: "\\").last.map(String.init) ?? name),
                cmdlet.act == .connect, cmdlet.module.map(modules.contains) == true
            else { continue }
            for case .parameter(let written, _) in command.arguments
            where cmdlet.role(of: written) == SignInCmdlet.machineRole {
                return "\(cmdlet.name) -\(written)"
            }
        }
        return nil
    }
}
