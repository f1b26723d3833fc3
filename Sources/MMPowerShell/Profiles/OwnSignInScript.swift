import CPowerShellResources
import MMCore
package import PowerShellSyntax

/// The script that defines, in a signed-in session, functions in place of the cmdlets with which scripts sign in and
/// install or import their modules.
package enum OwnSignInScript {
    /// The script.
    package static let text: String = {
        let text = cpowershell_own_sign_in()
        return String(decoding: UnsafeBufferPointer(start: text.bytes, count: text.count), as: UTF8.self)
    }()

    /// Returns the command that defines the functions.
    /// - Parameters:
    ///   - signIn: the rule that decides which sign-ins are this connection's.
    ///   - module: the name of the session's module.
    package static func command(_ signIn: OwnSignIn, module: String) -> PowerShellCommand {
        PowerShellCommand(text, parameters: ["Facts": .json(facts(signIn, module))])
    }

    /// Returns the rule from which a command was created; `nil` for any other command.
    package static func rule(of command: PowerShellCommand) -> (signIn: OwnSignIn, module: String)? {
        guard command.script == text, case .json(let facts)? = command.parameters["Facts"],
            let own = facts["own"].flatMap(identity), let module = facts["module"]?.string
        else { return nil }
        let others = facts["others"]?.array ?? []
        return (OwnSignIn(own: own, others: others.compactMap(identity)), module)
    }

    private static func facts(_ signIn: OwnSignIn, _ module: String) -> JSONValue {
        var cmdlets = JSONObject()
        for (name, cmdlet) in SignInCmdlet.byName.sorted(by: { $0.key < $1.key }) {
            var roles = JSONObject()
            for (parameter, role) in cmdlet.roles.sorted(by: { $0.key < $1.key }) {
                roles[parameter] = .string(role.word)
            }
            cmdlets[name] = .object([
                "name": .string(cmdlet.name), "act": .string(cmdlet.act.rawValue), "module": text(cmdlet.module),
                "roles": .object(roles), "positional": text(cmdlet.positional?.word),
                "successor": text(cmdlet.successor),
            ])
        }
        var sessions = JSONObject()
        for (name, word) in KnownPackages.sessions { sessions[name] = .string(word) }
        var versions = JSONObject()
        for (name, version) in KnownPackages.versions { versions[name.lowercased()] = .string(version) }
        return .object([
            "module": .string(module), "own": object(signIn.own), "others": .array(signIn.others.map(object)),
            "cmdlets": .object(cmdlets), "switches": texts(SignInCmdlet.switches.sorted()),
            "plain": texts(SignInCmdlet.Role.plain.map(\.word)), "packages": texts(KnownPackages.present.sorted()),
            "versions": .object(versions), "sessions": .object(sessions),
            "retired": .array(
                KnownPackages.retired.map {
                    .object(["name": .string($0.name), "successor": .string($0.successor)])
                }),
        ])
    }

    private static func object(_ identity: SignInIdentity) -> JSONValue {
        .object([
            "connection": .string(identity.connection), "tenants": texts(identity.tenants),
            "accounts": texts(identity.accounts), "apps": texts(identity.apps), "site": text(identity.site),
            "isApp": .bool(identity.isApp),
        ])
    }

    private static func identity(_ json: JSONValue) -> SignInIdentity? {
        guard let connection = json["connection"]?.string else { return nil }
        func texts(_ key: String) -> [String] { (json[key]?.array ?? []).compactMap(\.string) }
        var identity = SignInIdentity(connection: connection)
        (identity.tenants, identity.accounts, identity.apps) = (texts("tenants"), texts("accounts"), texts("apps"))
        identity.site = json["site"]?.string
        identity.isApp = json["isApp"] == .bool(true)
        return identity
    }

    private static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    private static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}
