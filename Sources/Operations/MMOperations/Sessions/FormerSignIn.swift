import MMCore
import PowerShellSyntax

/// A script that signs in to Exchange Online as scripts did before `Connect-ExchangeOnline`: it asks its person for a
/// password with `Get-Credential`, opens a remote session with `New-PSSession`, and loads the session's cmdlets with
/// `Import-PSSession`. The service no longer accepts such sessions, but the cmdlets are still the same, so the lines
/// are replaced with today's sign-in, which this connection has done already. The new text is judged, shown and run, in
/// either engine.
///
/// A password that the script asks for isn't needed if it serves only such a sign-in, or `Connect-ExchangeOnline`, and
/// names nobody but this connection's account. All lines are replaced or none: in any other script the sign-in is
/// refused.
struct FormerSignIn {
    /// The text to run.
    private(set) var text: String
    /// The note about what was replaced; empty if nothing was.
    private(set) var notes: [String] = []
    private let own: SignInIdentity
    private let units: [UInt16]
    private let facts: [ScriptFact]
    private var replaced: [(extent: SourceExtent, text: String)] = []

    /// Reads a script.
    /// - Parameter own: returns the identity of the connection; called only for a script that may sign in this way.
    init(_ text: String, own: () throws(MMError) -> SignInIdentity) throws(MMError) {
        self.text = text
        units = Array(text.utf16)
        let lower = text.lowercased()
        guard lower.contains("new-pssession") || lower.contains("new-exopssession") || lower.contains("get-credential")
        else {
            self.own = SignInIdentity(connection: "")
            facts = []
            return
        }
        self.own = try own()
        facts = ScriptFacts(of: PowerShellParser.parse(utf16: units)).items
        guard replaceSessions(), replacePassword(), !replaced.isEmpty else { return }
        var new = units
        for change in replaced.sorted(by: { $0.extent.start > $1.extent.start }) {
            new.replaceSubrange(change.extent.start..<change.extent.end, with: Array(change.text.utf16))
        }
        self.text = String(decoding: new, as: UTF16.self)
        notes = [
            "The script's own sign-in to Exchange Online is not needed, and no password is asked for: the connection "
                + "\(self.own.connection) is already signed in. Scripts sign in with Connect-ExchangeOnline today."
        ]
    }

    // MARK: The commands

    private struct Command {
        let extent: SourceExtent
        let fact: CommandFact
        var name: String { fact.name?.lowercased() ?? "" }

        /// Returns the value of a parameter, given by the beginning of its name; `nil` if the command doesn't have it.
        func value(_ parameter: String) -> FactValue? {
            for (place, argument) in fact.arguments.enumerated() {
                guard case .parameter(let name, let tied) = argument, !name.isEmpty,
                    parameter.hasPrefix(name.lowercased())
                else { continue }
                if let tied { return tied }
                guard place + 1 < fact.arguments.count, case .value(let value) = fact.arguments[place + 1] else {
                    return .literal(.true)
                }
                return value
            }
            return nil
        }

        /// Whether arguments come from a splatted variable, so that they aren't in the text.
        var isOpen: Bool {
            fact.arguments.contains { if case .value(.dynamic(.splat, _)) = $0 { true } else { false } }
        }
    }

    private var commands: [Command] {
        facts.compactMap { item in
            if case .command(let fact) = item.detail { Command(extent: item.extent, fact: fact) } else { nil }
        }
    }

    private func commands(_ names: String...) -> [Command] { commands.filter { names.contains($0.name) } }

    // MARK: The session

    /// What stands in the place of a remote session, with the properties that scripts look at.
    private static let session =
        "[pscustomobject]@{ Id = 1; Name = 'ExchangeOnline'; ComputerName = 'outlook.office365.com'; State = 'Opened'; "
        + "ConfigurationName = 'Microsoft.Exchange'; Availability = 'Available' }"

    /// Replaces the remote sessions and the commands that use them; returns whether all of them could be replaced.
    private mutating func replaceSessions() -> Bool {
        let opened = commands("new-pssession", "new-exopssession")
        guard !opened.isEmpty else { return true }
        var sessions: [String: String] = [:]
        for command in opened {
            guard let connect = connect(of: command), let name = assigned(by: command),
                sessions[name] == nil || sessions[name] == connect
            else { return false }
            sessions[name] = connect
            replaced.append((command.extent, Self.session))
        }
        let users = commands("import-pssession", "remove-pssession")
        for command in users where !isWithinReplaced(command.extent) {
            guard let connect = session(of: command, among: sessions) else {
                // `Get-PSSession | Remove-PSSession` ends sessions that no longer exist.
                if command.name == "remove-pssession" { continue }
                return false
            }
            guard command.value("prefix") == nil, !command.isOpen else { return false }
            let isImport = command.name == "import-pssession"
            let whole = isImport ? imports(command) ?? command.extent : command.extent
            replaced.append((whole, isImport ? connect : "Disconnect-ExchangeOnline -Confirm:$false"))
        }
        return sessions.keys.allSatisfy { name in
            reads(of: name).allSatisfy { read in
                isWithinReplaced(read) || !commands.contains { $0.extent.contains(read) }
            }
        }
    }

    /// Returns the sign-in of today that a command stands for; `nil` if it opens another session, such as one of a
    /// server.
    private func connect(of command: Command) -> String? {
        guard command.fact.index == 0, command.fact.redirections.isEmpty, !command.isOpen else { return nil }
        for foreign in ["computername", "hostname", "vmname", "containerid", "session", "usewindowspowershell"]
        where command.value(foreign) != nil { return nil }
        guard let address = command.value("connectionuri") else {
            return command.name == "new-exopssession" ? "Connect-ExchangeOnline" : nil
        }
        guard let host = constant(address).flatMap(Self.host) else { return nil }
        if ["outlook.office365.com", "ps.outlook.com", "outlook.office365.us", "partner.outlook.cn"].contains(host) {
            return "Connect-ExchangeOnline"
        }
        return host.hasSuffix("ps.compliance.protection.outlook.com") ? "Connect-IPPSSession" : nil
    }

    private static func host(of address: String) -> String? {
        let lower = address.lowercased()
        guard lower.hasPrefix("https://") else { return nil }
        return String(lower.dropFirst(8).prefix { $0 != "/" && $0 != "?" && $0 != ":" })
    }

    /// Returns the text of a value that is a constant, or a variable that is only ever given one constant.
    private func constant(_ value: FactValue) -> String? {
        switch value {
        case .string(let text): return text
        case .dynamic(.variable, let path?):
            let name = Self.plain(path)
            let sets = writes(of: name)
            guard sets.count == 1, let set = sets.first else { return nil }
            let next = facts.first { item in
                if case .string = item.detail { item.extent.start >= set.end } else { false }
            }
            guard let next, case .string(let text) = next.detail, isEquals(from: set.end, to: next.extent.start) else {
                return nil
            }
            return text
        default: return nil
        }
    }

    /// Returns the sign-in that a command's session stands for.
    private func session(of command: Command, among sessions: [String: String]) -> String? {
        let names = command.fact.arguments.compactMap { argument -> String? in
            switch argument {
            case .value(.dynamic(.variable, let path?)), .parameter(_, value: .dynamic(.variable, let path?)?):
                Self.plain(path)
            default: nil
            }
        }
        return names.lazy.compactMap { sessions[$0] }.first
    }

    /// Returns the extent of the `Import-Module` that loads the cmdlets of an imported session.
    private func imports(_ command: Command) -> SourceExtent? {
        commands("import-module").first { $0.extent.contains(command.extent) }?.extent
    }

    // MARK: The password

    /// Replaces the question for the password that only these sign-ins use; returns `false` if it is used for anything
    /// else, or names another account.
    private mutating func replacePassword() -> Bool {
        let questions = commands("get-credential")
        let signIns = commands(
            "new-pssession", "new-exopssession", "connect-exchangeonline", "connect-ippssession", "connect-exopssession"
        )
        let given = signIns.compactMap { $0.value("credential") }
        guard !given.isEmpty else { return true }
        var names: Set<String> = []
        for value in given {
            guard case .dynamic(.variable, let path?) = value else { return false }
            names.insert(Self.plain(path))
        }
        guard names.count == 1, let name = names.first else { return false }
        // A password that the script never gets names nobody: its author had it from elsewhere.
        let isAbsent = questions.isEmpty && writes(of: name).isEmpty && !isParameter(name)
        let question = questions.first { assigned(by: $0) == name && isOwn($0) }
        guard isAbsent || question != nil && questions.count == 1 && writes(of: name).count == 1 else { return false }
        for read in reads(of: name) where !isWithinReplaced(read) {
            guard let command = signIns.first(where: { $0.extent.contains(read) }), command.value("credential") != nil
            else { return false }
            replaced.append((read, "$null"))
        }
        if let question { replaced.append((question.extent, "$null")) }
        return true
    }

    /// Returns whether a question for a password names nobody, or this connection's account.
    private func isOwn(_ question: Command) -> Bool {
        guard question.fact.index == 0, question.fact.count == 1, !question.isOpen else { return false }
        var isMessage = false
        for argument in question.fact.arguments {
            switch argument {
            case .parameter(let name, let tied):
                isMessage = !name.isEmpty && "message".hasPrefix(name.lowercased()) && tied == nil
                let isFree = isMessage || ["message", "title"].contains(name.lowercased())
                if let tied, !isFree, !isOwn(tied) { return false }
            case .value(let value):
                if !isMessage, !isOwn(value) { return false }
                isMessage = false
            }
        }
        return true
    }

    private func isOwn(_ account: FactValue) -> Bool {
        constant(account).map { own.matches($0, as: .account) == true } ?? false
    }

    // MARK: Variables

    private static func plain(_ path: String) -> String {
        (path.split(separator: ":").last.map(String.init) ?? path).lowercased()
    }

    /// Returns the name of the variable that a command's output is assigned to.
    private func assigned(by command: Command) -> String? {
        guard command.fact.count == 1 else { return nil }
        for case .set(let path, _) in facts.filter({ isEquals(from: $0.extent.end, to: command.extent.start) }).map(
            \.detail)
        where path.isVariable { return path.name.lowercased() }
        return nil
    }

    private func isParameter(_ name: String) -> Bool {
        facts.contains { item in
            if case .parameter(let own, _) = item.detail { own.lowercased() == name } else { false }
        }
    }

    private func writes(of name: String) -> [SourceExtent] {
        facts.compactMap { item in
            guard case .set(let path, _) = item.detail, path.name.lowercased() == name else { return nil }
            return item.extent
        }
    }

    /// Returns where a variable is used other than as the target of an assignment.
    private func reads(of name: String) -> [SourceExtent] {
        let written = writes(of: name)
        return facts.compactMap { item in
            guard case .variable(let path, _) = item.detail, path.name.lowercased() == name,
                !written.contains(where: { $0.start == item.extent.start })
            else { return nil }
            return item.extent
        }
    }

    /// Returns whether there is nothing but an equals sign between two places.
    private func isEquals(from start: Int, to end: Int) -> Bool {
        guard start <= end else { return false }
        let between = units[start..<end].filter { $0 != 0x20 && $0 != 0x09 }
        return between == [0x3D]
    }

    private func isWithinReplaced(_ extent: SourceExtent) -> Bool {
        replaced.contains { $0.extent.contains(extent) }
    }
}

extension SourceExtent {
    fileprivate func contains(_ other: SourceExtent) -> Bool { start <= other.start && other.end <= end }
}
