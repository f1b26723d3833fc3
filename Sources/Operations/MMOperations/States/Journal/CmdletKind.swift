import MMCore

/// How the writes of one noun of Exchange's cmdlets are read beforehand and taken back.
struct CmdletKind: Sendable {
    /// A parameter that is shown under another name, or with other words.
    struct Translation: Sendable {
        let parameter: String
        let property: String
        /// The words of the parameter, and those of the property.
        let words: [(written: JSONValue, shown: JSONValue)]
    }

    /// An entry of a list that an object has: who may use a mailbox, who is in a group.
    struct Entry: Sendable {
        /// The parameter that names it.
        let name: String
        /// What the list is called.
        let list: String
        /// The property that holds what is granted; `nil` where an entry is there or is not.
        var values: String?
        /// Whether the reading cmdlet takes the entry's name, too.
        var isSought = true
    }

    /// What the cmdlets write to.
    let noun: String
    /// What people call it.
    let word: String
    /// The cmdlet that reads it; `Get-` with the noun.
    var reader: String { "Get-\(noun)" }
    /// The parameters that name an object, its own first.
    var names = ["Identity"]
    /// The parameter that names what the object is in, and the object's own property that says it: a pipeline doesn't give
    /// the parameter.
    var place: (parameter: String, property: String)?
    /// The properties that name an object for good: the first that it has.
    var ids = ["Guid", "Identity"]
    var translations: [Translation] = []
    /// The property that Enable- and Disable- write.
    var state: (property: String, on: JSONValue, off: JSONValue)?
    /// The parameters with which a deleted object is made anew; empty where it can't be.
    var recreated: [String] = []
    /// Whether New- switches it on and off; else a state of its own is written behind it.
    var isMadeWithState = false
    /// The list that is read beside an object that is deleted, and the parameter that it is made anew with.
    var content: (reader: String, parameter: String)?
    /// Whether its objects are so few that all of one place are read to find one.
    var isShort = false
    /// Set where the noun is that of entries.
    var entry: Entry?

    /// The property that a parameter writes.
    func property(of parameter: String) -> String {
        translations.first { $0.parameter == parameter }?.property ?? parameter
    }

    /// The parameter that writes a property, with a value as it is written.
    func written(_ property: String, _ value: JSONValue) -> (parameter: String, value: JSONValue) {
        guard let found = translations.first(where: { $0.property == property }) else { return (property, value) }
        return (found.parameter, found.words.first { CmdletValue.isSame($0.shown, value) }?.written ?? value)
    }

    /// A value as it is shown once it is written with a parameter.
    func shown(_ parameter: String, _ value: JSONValue) -> JSONValue {
        let words = translations.first { $0.parameter == parameter }?.words ?? []
        return words.first { CmdletValue.isSame($0.written, value) }?.shown ?? value
    }

    /// The kind of a noun, in any case.
    static func of(_ noun: String) -> CmdletKind? { table[noun.lowercased()] }
}
