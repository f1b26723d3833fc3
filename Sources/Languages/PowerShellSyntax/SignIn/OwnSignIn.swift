/// The rule for a script's own sign-in. It may be the connection's own, so that nothing has to be done, or another one,
/// or one that is only known when the script runs.
package struct OwnSignIn: Sendable, Hashable {
    /// The identity that the session is signed in as.
    package let own: SignInIdentity
    /// The other connections that the caller may use.
    package let others: [SignInIdentity]

    /// Creates the rule for a connection.
    package init(own: SignInIdentity, others: [SignInIdentity] = []) {
        self.own = own
        self.others = others
    }

    /// The value of an argument, as far as it is known.
    package enum Value: Sendable, Hashable {
        case texts([String])
        case flag(Bool)
        /// `$null`.
        case nothing
        /// Known only when the script runs.
        case unknown
    }

    /// A call of a cmdlet that signs in or out, or that installs or loads modules.
    package struct Call: Sendable {
        /// The cmdlet.
        package let cmdlet: SignInCmdlet
        /// The name as the script writes it.
        package let name: String
        /// Its arguments, with the names of parameters as written.
        package var arguments: [(name: String?, value: Value)]
        /// Whether some arguments aren't known from the text, such as those of a splatted variable.
        package var isOpen: Bool
        /// Whether it runs only under a condition in the script.
        package var isConditional: Bool
        /// Whether the next value may belong to the last parameter.
        fileprivate var waits = false

        /// Creates a call.
        package init(
            _ cmdlet: SignInCmdlet, name: String, arguments: [(name: String?, value: Value)], isOpen: Bool = false,
            isConditional: Bool = false
        ) {
            self.cmdlet = cmdlet
            self.name = name
            self.arguments = arguments
            self.isOpen = isOpen
            self.isConditional = isConditional
        }

        /// Returns the values of all parameters with a role, in order, including unknown ones.
        package func values(_ role: SignInCmdlet.Role) -> [Value] {
            arguments.filter { self.role(of: $0.name) == role }.map(\.value)
        }

        /// Returns the texts of all parameters with a role; `nil` if one of the values is unknown.
        package func texts(_ role: SignInCmdlet.Role) -> [String]? {
            var texts: [String] = []
            for value in values(role) {
                switch value {
                case .texts(let more): texts += more.filter { !$0.isEmpty }
                case .nothing, .flag: break
                case .unknown: return nil
                }
            }
            return texts
        }

        fileprivate func role(of name: String?) -> SignInCmdlet.Role? {
            name.map { cmdlet.role(of: $0) } ?? cmdlet.positional
        }
    }

    /// The meaning of a call.
    package enum Reading: Sendable, Hashable {
        /// It asks for this connection's sign-in, which is done already.
        case own
        /// It is only known when the script runs; then the cmdlet itself refuses another sign-in.
        case open
        /// It asks for another sign-in.
        case other(Refusal)
        /// It is no such call, and is judged like any other command.
        case foreign
    }

    /// The reason why a sign-in is refused.
    package struct Refusal: Sendable, Hashable, Error {
        /// The difference between the sign-in and the connection, in a sentence.
        package let reason: String
        /// The alternative, in a sentence.
        package let instead: String

        /// Both sentences.
        package var message: String { "\(reason) \(instead)" }
    }

    /// Returns the meaning of a call.
    package func read(_ call: Call) -> Reading {
        switch call.cmdlet.act {
        case .connect: readSignIn(call)
        case .disconnect, .context, .information, .tune: .own
        case .retired: .other(Refusal(reason: Self.sentence(call.cmdlet.successor), instead: "Nothing was signed in."))
        case .list, .listInstalled, .find: call.values(.other).isEmpty ? .own : .foreign
        case .load, .install: readModules(call)
        case .remove: readRemoval(call)
        case .prepare: readSource(call)
        case .policy: readPolicy(call)
        }
    }

    // MARK: Signing in

    private func readSignIn(_ call: Call) -> Reading {
        var isOpen = call.isOpen
        var wanted: [(role: SignInCmdlet.Role, text: String)] = []
        var credentials: [String] = []
        for (name, value) in call.arguments {
            guard let role = call.role(of: name) else { continue }
            if case .credential(let words) = role {
                switch value {
                case .nothing, .flag(false), .texts([""]): break
                // A branch for another way to sign in may never be taken.
                case _ where call.isConditional: isOpen = true
                case .unknown where own.isApp: isOpen = true
                default: if !credentials.contains(words) { credentials.append(words) }
                }
                continue
            }
            guard [.tenant, .account, .app, .site, .prefix].contains(role) else { continue }
            switch value {
            case .texts(let texts): wanted += texts.filter { !$0.isEmpty }.map { (role, $0) }
            case .unknown: isOpen = true
            case .nothing, .flag: break
            }
        }
        let strange = wanted.filter { $0.role != .prefix && own.matches($0.text, as: $0.role) == false }
        let prefixes = wanted.filter { $0.role == .prefix }
        if let prefix = prefixes.first {
            return .other(
                Refusal(
                    reason:
                        "\(call.name) gives the cmdlets the prefix \(prefix.text), which the session's cmdlets don't have.",
                    instead: "Leave out the prefix here and in the cmdlet names."))
        }
        // An app's connection is signed in as that app, whatever credential the script would have used.
        let isOwnApp =
            own.isApp && strange.isEmpty
            && wanted.contains { $0.role == .app && own.matches($0.text, as: .app) == true }
        if isOwnApp { credentials = [] }
        guard !strange.isEmpty || !credentials.isEmpty else { return isOpen ? .open : .own }
        let words = strange.map { "the \($0.role.word) \($0.text)" } + credentials
        return .other(
            Refusal(
                reason:
                    "\(call.name) asks for \(Self.list(words)), but this session belongs to the connection \(own.connection).",
                instead: remedy(wanted, isApp: !credentials.isEmpty, isTold: !strange.isEmpty)))
    }

    /// Returns the alternative to a sign-in that isn't this connection's.
    private func remedy(
        _ wanted: [(role: SignInCmdlet.Role, text: String)], isApp: Bool, isTold: Bool
    ) -> String {
        let fitting = others.first { other in
            if isApp, !other.isApp { return false }
            let matches = wanted.map { other.matches($0.text, as: $0.role) }
            guard !matches.contains(false) else { return false }
            if matches.contains(true) { return true }
            // A credential without a tenant is for the tenant of this connection.
            return isApp && !isTold && other.tenants.contains { own.matches($0, as: .tenant) == true }
        }
        if let fitting { return "Use the connection \(fitting.connection)." }
        return "Leave it out to continue with this connection, or add a connection for it: mm connections add."
    }

    // MARK: Modules

    private func readModules(_ call: Call) -> Reading {
        guard call.values(.other).isEmpty else { return .foreign }
        guard let names = call.texts(.name), !call.isOpen else {
            // The cmdlets that install modules do nothing in a session, so they may be called with unknown names.
            return call.cmdlet.act == .install ? .open : .foreign
        }
        for name in names {
            switch KnownPackages.standing(of: name) {
            case .present: continue
            case .retired(let successor):
                // Code under a condition may never run.
                if call.isConditional { return call.cmdlet.act == .install ? .open : .foreign }
                return .other(Refusal(reason: successor, instead: "Nothing was loaded."))
            case .unknown: return call.isConditional && call.cmdlet.act == .install ? .open : .foreign
            }
        }
        return .own
    }

    /// Modules that a session has, or that have ended, stay as they are. Names that only the run knows are read again
    /// there.
    private func readRemoval(_ call: Call) -> Reading {
        guard call.values(.other).isEmpty else { return .foreign }
        guard let names = call.texts(.name), !call.isOpen else { return .open }
        return names.allSatisfy { KnownPackages.standing(of: $0) != .unknown } ? .own : .foreign
    }

    private func readSource(_ call: Call) -> Reading {
        guard let names = call.texts(.name), !call.isOpen, call.values(.other).isEmpty else { return .foreign }
        return names.allSatisfy { KnownPackages.standing(of: $0) == .present } ? .own : .foreign
    }

    private func readPolicy(_ call: Call) -> Reading {
        guard let scopes = call.texts(.scope), let scope = scopes.first, !call.isOpen else { return .foreign }
        return ["process", "currentuser"].contains(scope.lowercased()) ? .own : .foreign
    }

    // MARK: Words

    private static func sentence(_ text: String?) -> String { text ?? "The module is retired." }

    private static func list(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "another sign-in" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}

extension OwnSignIn.Call {
    /// Adds a parameter. Its value may be attached to it (`isTied`); otherwise the next value belongs to it.
    package mutating func add(_ name: String, _ value: OwnSignIn.Value, isTied: Bool) {
        let name = name.hasSuffix(":") ? String(name.dropLast()) : name
        waits = !isTied && !SignInCmdlet.switches.contains(name.lowercased())
        arguments.append((name, isTied ? value : .flag(true)))
    }

    /// Adds a value, which belongs to the parameter before it or is positional.
    package mutating func add(_ value: OwnSignIn.Value) {
        if waits, let last = arguments.last, last.name != nil {
            arguments[arguments.count - 1].value = value
        } else {
            arguments.append((nil, value))
        }
        waits = false
    }
}

/// The identity that a connection signs in as, as far as a script's own sign-in can be compared with it. Unknown parts
/// are empty, and match anything.
package struct SignInIdentity: Sendable, Hashable {
    /// The name of the connection.
    package var connection: String
    /// The ids and domains of its tenant.
    package var tenants: [String] = []
    /// The names and object ids of its account.
    package var accounts: [String] = []
    /// The ids of its apps.
    package var apps: [String] = []
    /// The first label of its SharePoint host.
    package var site: String?
    /// Whether an app signs in by itself, without a person.
    package var isApp = false

    /// Creates an identity of which only the connection is known.
    package init(connection: String) { self.connection = connection }

    /// Returns whether the value of a parameter matches this identity; `nil` if that isn't known.
    package func matches(_ value: String, as role: SignInCmdlet.Role) -> Bool? {
        switch role {
        case .tenant:
            // These words leave the tenant to the account.
            if ["common", "organizations"].contains(value.lowercased()) { return true }
            if Self.isID(value), !tenants.contains(where: Self.isID) { return nil }
            if !Self.isID(value), tenants.allSatisfy(Self.isID) { return nil }
            return Self.contains(tenants, value)
        case .account:
            if Self.isID(value), !accounts.contains(where: Self.isID) { return nil }
            return accounts.isEmpty ? nil : Self.contains(accounts, value)
        case .app: return apps.isEmpty ? nil : Self.contains(apps, value)
        case .site: return site.flatMap { Self.matches(host: value, label: $0) }
        default: return nil
        }
    }

    /// Returns whether the address of a site belongs to a tenant, by the first label of its hosts.
    private static func matches(host address: String, label: String) -> Bool? {
        var rest = Substring(address.lowercased())
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let host = rest.prefix { $0 != "/" && $0 != ":" && $0 != "?" }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, parts[1] == "sharepoint" || parts[1] == "sharepoint-mil" else { return nil }
        return ["", "-admin", "-my"].contains { parts[0] == label.lowercased() + $0 }
    }

    private static func contains(_ all: [String], _ value: String) -> Bool {
        all.contains { $0.lowercased() == value.lowercased() }
    }

    /// Returns whether a text has the form of an id.
    fileprivate static func isID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
    }
}

extension SignInIdentity {
    /// The id of its tenant.
    package var tenantID: String? { tenants.first(where: Self.isID) }
    /// A domain of its tenant.
    package var domain: String? { tenants.first { !Self.isID($0) } }
}

extension OwnSignIn {
    /// Returns the permissions of Graph that a script asks for and a sign-in lacks. A permission that also writes
    /// includes the reading one.
    package static func lacking(_ wanted: [String], of granted: [String]) -> [String] {
        let has = Set(granted.map { $0.lowercased() })
        let usual: Set<String> = ["openid", "profile", "email", "offline_access", ".default"]
        return wanted.filter { scope in
            let name = scope.split(separator: "/").last?.lowercased() ?? ""
            guard !name.isEmpty, !usual.contains(name), !has.contains(name) else { return false }
            let parts = name.split(separator: ".").map(String.init)
            guard parts.count > 1, parts[1] == "read" else { return true }
            return !has.contains(([parts[0], "readwrite"] + parts.dropFirst(2)).joined(separator: "."))
        }
    }

    /// Returns the warning about permissions that a sign-in lacks.
    package static func warning(_ lacking: [String], of connection: String) -> String {
        "The sign-in of \(connection) lacks permissions that the script requests: \(lacking.joined(separator: ", "))."
    }
}
