/// What the tables know of a cmdlet. Names stay in the table until somebody asks: a verdict over a script looks at many
/// entries and prints few.
struct CmdletEntry: Sendable {
    /// Whose cmdlet it is.
    enum Product: UInt8, Sendable {
        case builtin, exchange, teams, pnp, sharePoint, powerApps, azure, graph
    }

    /// The lists that the cmdlet is on, and other marks.
    struct Lists: OptionSet, Sendable {
        let rawValue: UInt8
        /// It never runs, whoever confirms.
        static let blocked = Lists(rawValue: 1)
        /// It is on the warned list.
        static let warned = Lists(rawValue: 2)
        /// It sends messages, which a person sees first.
        static let sendGuard = Lists(rawValue: 4)
        /// It carries a request: judge that.
        static let method = Lists(rawValue: 8)
        /// A built-in command outside of what may run unasked.
        static let outside = Lists(rawValue: 16)
        /// Neither its verb nor a review nor a known request says what it does.
        static let unproven = Lists(rawValue: 32)
        /// It never runs for callers of earlier servers.
        static let earlierBlocked = Lists(rawValue: 64)
    }

    let file: TableFile
    let nameOffset: UInt32
    let row: UInt32
    let product: Product
    let classes: GuardClassSet
    let reasonBits: UInt64
    /// Exchange: 1 Exchange Online, 2 Security & Compliance.
    let services: UInt8
    /// 1 WhatIf, 2 WhatIf in Security & Compliance, 4 and 8 Confirm alike.
    let support: UInt8
    let lists: Lists
    let hasParameters: Bool
    let hasRaises: Bool

    /// Whether its documentation says that with `-WhatIf` it changes nothing; Exchange's service itself sees to that.
    var honoursWhatIf: Bool { product == .exchange && services == 1 && support & 1 != 0 }

    /// The name of today, as documented.
    var name: String { file.string(nameOffset) }

    /// Whether the name is this one, given in lower case.
    func isNamed(_ name: String) -> Bool { file.compareFolded(name, with: nameOffset) == 0 }
}
