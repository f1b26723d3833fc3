/// A parameter of a command, as far as binding asks for it.
package struct BindableParameter: Sendable {
    /// Whether it takes no value but one tied to it by a colon.
    package let isSwitch: Bool
    /// The place without a name; -1 for none.
    package let position: Int
    /// The parameter sets that it belongs to, a bit each; 0 for all of them, or where nobody knows.
    package let sets: Int
    /// What tells it from the others: the same number where it stands twice because its place differs by set.
    package let identity: Int

    /// A parameter.
    package init(isSwitch: Bool, position: Int, sets: Int = 0, identity: Int) {
        self.isSwitch = isSwitch
        self.position = position
        self.sets = sets
        self.identity = identity
    }
}

/// How a written name fits a parameter.
package enum ParameterFit: Sendable {
    case name, alias, abbreviation, none

    /// How a written name, its ASCII letters in lower case, fits these.
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
