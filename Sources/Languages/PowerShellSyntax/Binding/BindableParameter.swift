/// The properties of a command's parameter that binding depends on.
package struct BindableParameter: Sendable {
    /// Whether the parameter takes a value only when a colon attaches it.
    package let isSwitch: Bool
    /// The position for values without a name; -1 for none.
    package let position: Int
    /// The parameter sets that the parameter belongs to, one bit each; 0 for all of them, or when unknown.
    package let sets: Int
    /// The parameter's identity: entries of a parameter whose position differs by set share it.
    package let identity: Int

    /// Creates a parameter.
    package init(isSwitch: Bool, position: Int, sets: Int = 0, identity: Int) {
        self.isSwitch = isSwitch
        self.position = position
        self.sets = sets
        self.identity = identity
    }
}

/// How a written name matches a parameter.
package enum ParameterFit: Sendable {
    case name, alias, abbreviation, none

    /// Matches a written name, with its ASCII letters in lower case, against a parameter's name and aliases.
    package init(_ written: String, name: String, aliases: [String]) {
        if ASCIIFold.equal(name, written) {
            self = .name
        } else if aliases.contains(where: { ASCIIFold.equal($0, written) }) {
            self = .alias
        } else if ASCIIFold.hasPrefix(name, written) || aliases.contains(where: { ASCIIFold.hasPrefix($0, written) }) {
            self = .abbreviation
        } else {
            self = .none
        }
    }
}
