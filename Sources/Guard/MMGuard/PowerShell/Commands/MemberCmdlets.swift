import MMCore
package import PowerShellSyntax

/// The cmdlets of Exchange that add members to a group. In a security-enabled group membership grants access, as in any
/// group of the directory; the same cmdlets also change plain mailing lists.
package enum MemberCmdlets {
    private static let adding: Set<String> = ["add-distributiongroupmember", "update-distributiongroupmember"]

    /// Returns whether a cmdlet is one of these, in any case, with or without its module.
    package static func adds(_ name: String) -> Bool {
        adding.contains(String(name.asciiLowercased.split(separator: "\\").last ?? ""))
    }

    /// The groups that a script adds members to.
    package struct Groups: Sendable, Hashable {
        /// The groups that the text names.
        package var named: Set<String> = []
        /// Whether there are other groups, which are only known when the script runs.
        package var hasOthers = false

        /// Whether there are no groups.
        package var isEmpty: Bool { named.isEmpty && !hasOthers }
    }

    /// Returns the groups that a script adds members to, as far as its text shows them.
    package static func groups(in script: ParsedScript) -> Groups {
        var groups = Groups()
        for item in ScriptFacts(of: script).items {
            guard case .command(let command) = item.detail, let name = command.name, adds(name) else { continue }
            if case .string(let group)? = identity(of: command) {
                groups.named.insert(group)
            } else {
                groups.hasOthers = true
            }
        }
        return groups
    }

    /// Returns the value of `-Identity`, given by name, by an abbreviation or by position.
    private static func identity(of command: CommandFact) -> FactValue? {
        var parameter: String?
        var first: FactValue?
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, let value):
                parameter = name.asciiLowercased
                guard let value else { continue }
                if isIdentity(parameter) { return value }
                parameter = nil
            case .value(let value):
                if isIdentity(parameter) { return value }
                // Switches take no value: the value after one is positional.
                if parameter == nil || parameter.map(isSwitch) == true { first = first ?? value }
                parameter = nil
            }
        }
        return command.index > 0 && first == nil ? nil : first
    }

    private static func isIdentity(_ name: String?) -> Bool {
        guard let name, name.utf8.count >= 2 else { return false }
        return "identity".hasPrefix(name)
    }

    private static func isSwitch(_ name: String) -> Bool {
        ["confirm", "whatif", "bypasssecuritygroupmanagercheck", "verbose", "debug", "wi", "cf", "vb", "db"].contains {
            $0.hasPrefix(name)
        }
    }
}
