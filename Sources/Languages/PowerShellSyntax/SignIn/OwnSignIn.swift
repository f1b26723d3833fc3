/// The one rule on a script's own sign-in: whether it is the connection's, for which nothing has to be done, another one's, or
/// one that only shows when the script runs.
package struct OwnSignIn: Sendable, Hashable {
    /// Whom the session is signed in as.
    package let own: SignInIdentity
    /// The other connections that the caller may use.
    package let others: [SignInIdentity]

    /// A rule for a connection among others.
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

    /// A call of a cmdlet that signs in or out or sees to modules.
    package struct Call: Sendable {
        /// The cmdlet.
        package let cmdlet: SignInCmdlet
        /// The name as the script writes it.
        package let name: String
        /// Its arguments, with the names of parameters as written.
        package var arguments: [(name: String?, value: Value)]
        /// Whether some of its arguments can't be told from the text, such as those of a splatted variable.
        package var isOpen: Bool
        /// Whether it runs only under a condition of the script's.
        package var isConditional: Bool
        /// Whether the last parameter may take the value that comes next.
        fileprivate var waits = false

        /// A call.
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

        /// What is said under one role, in order; those that aren't known are among them.
        package func values(_ role: SignInCmdlet.Role) -> [Value] {
            arguments.filter { self.role(of: $0.name) == role }.map(\.value)
        }

        /// The texts under one role; `nil` where one of them isn't known.
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

    /// What a call is.
    package enum Reading: Sendable, Hashable {
        /// This connection's: it is done already.
        case own
        /// It shows when the script runs; the cmdlet itself refuses another's.
        case open
        /// Another one's.
        case other(Refusal)
        /// None of this: it is judged like any other command.
        case foreign
    }

    /// Why a sign-in is refused.
    package struct Refusal: Sendable, Hashable, Error {
        /// What the script asks for and the connection isn't, in a sentence.
        package let reason: String
        /// What to do, in a sentence.
        package let instead: String

        /// Both sentences.
        package var message: String { "\(reason) \(instead)" }
    }

    /// Reads a call.
    package func read(_ call: Call) -> Reading {
        switch call.cmdlet.act {
        case .connect: readSignIn(call)
        case .disconnect: .own
        case .context, .information: .own
        case .retired: .other(Refusal(reason: Self.sentence(call.cmdlet.successor), instead: "Nothing was signed in."))
        case .list, .listInstalled, .find: call.values(.other).isEmpty ? .own : .foreign
        case .load, .install: readModules(call)
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
                case .unknown where call.isConditional || own.isApp: isOpen = true
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
                    reason: "\(call.name) gives the cmdlets the prefix \(prefix.text), which a session's don't have.",
                    instead: "Leave it out, and out of their names."))
        }
        // An app's own connection is signed in as that app, whatever the script would have shown for it.
        let isOwnApp =
            own.isApp && strange.isEmpty
            && wanted.contains { $0.role == .app && own.matches($0.text, as: .app) == true }
        if isOwnApp { credentials = [] }
        guard !strange.isEmpty || !credentials.isEmpty else { return isOpen ? .open : .own }
        let words = strange.map { "the \($0.role.word) \($0.text)" } + credentials
        return .other(
            Refusal(
                reason: "\(call.name) asks for \(Self.list(words)), and this is the connection \(own.connection).",
                instead: remedy(wanted, isApp: !credentials.isEmpty, isTold: !strange.isEmpty)))
    }

    /// What to do about a sign-in that isn't this connection's.
    private func remedy(
        _ wanted: [(role: SignInCmdlet.Role, text: String)], isApp: Bool, isTold: Bool
    ) -> String {
        let fitting = others.first { other in
            if isApp, !other.isApp { return false }
            let matches = wanted.map { other.matches($0.text, as: $0.role) }
            guard !matches.contains(false) else { return false }
            if matches.contains(true) { return true }
            // A credential alone says nothing of its tenant: it is this one's.
            return isApp && !isTold && other.tenants.contains { own.matches($0, as: .tenant) == true }
        }
        if let fitting { return "The connection \(fitting.connection) would do." }
        return "Leave it out to go on as this connection, or make one for it: mm connections add."
    }

    // MARK: Modules

    private func readModules(_ call: Call) -> Reading {
        guard call.values(.other).isEmpty else { return .foreign }
        guard let names = call.texts(.name), !call.isOpen else {
            // What installs nothing may be asked for anything.
            return call.cmdlet.act == .install ? .open : .foreign
        }
        for name in names {
            switch KnownPackages.standing(of: name) {
            case .present: continue
            case .retired(let successor):
                // What a script does under a condition may never happen.
                if call.isConditional { return call.cmdlet.act == .install ? .open : .foreign }
                return .other(Refusal(reason: successor, instead: "Nothing was loaded."))
            case .unknown: return call.isConditional && call.cmdlet.act == .install ? .open : .foreign
            }
        }
        return .own
    }

    private func readSource(_ call: Call) -> Reading {
        guard let names = call.texts(.name), !call.isOpen, call.values(.other).isEmpty else { return .foreign }
        return names.allSatisfy { ["psgallery", "nuget"].contains($0.lowercased()) } ? .own : .foreign
    }

    private func readPolicy(_ call: Call) -> Reading {
        guard let scopes = call.texts(.scope), let scope = scopes.first, !call.isOpen else { return .foreign }
        return ["process", "currentuser"].contains(scope.lowercased()) ? .own : .foreign
    }

    // MARK: Words

    private static func sentence(_ text: String?) -> String { text ?? "The module has ended." }

    private static func list(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "another sign-in" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}

extension OwnSignIn.Call {
    /// Adds a parameter, with its value where one is tied to it; the next value belongs to it otherwise.
    package mutating func add(_ name: String, _ value: OwnSignIn.Value, isTied: Bool) {
        let name = name.hasSuffix(":") ? String(name.dropLast()) : name
        waits = !isTied && !SignInCmdlet.switches.contains(name.lowercased())
        arguments.append((name, isTied ? value : .flag(true)))
    }

    /// Adds a value: of the parameter before it, or by its position.
    package mutating func add(_ value: OwnSignIn.Value) {
        if waits, let last = arguments.last, last.name != nil {
            arguments[arguments.count - 1].value = value
        } else {
            arguments.append((nil, value))
        }
        waits = false
    }
}
