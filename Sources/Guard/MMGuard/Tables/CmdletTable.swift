internal import CGuardTables
internal import MMCore
internal import PowerShellSyntax

/// Cmdlets with their classes and parameters, read in place. Names are compared without (ASCII) case.
struct CmdletTable: Sendable {
    private static let rowSize = 8
    private let file = TableFile(cguard_cmdlets().bytes, length: cguard_cmdlets().length, magic: "MMC2")
    private let rows: UnsafeTable
    /// What many cmdlets have in common: all but their names and requests.
    private let facts: UnsafeTable
    private let requests: UnsafeTable
    private let parameters: UnsafeTable
    private let lists: UnsafeTable
    private let raises: UnsafeTable
    private let aliases: UnsafeTable
    private let windowsAliases: UnsafeTable
    private let variables: UnsafeTable
    private let verbs: UnsafeTable
    private let reasons: UnsafeTable
    private let usual: UnsafeTable
    private let commonList: UInt32

    init() {
        rows = UnsafeTable(file.section(1), size: Self.rowSize)
        facts = UnsafeTable(file.section(12), size: 32)
        requests = UnsafeTable(file.section(13), size: 4)
        parameters = UnsafeTable(file.section(2), size: 12)
        lists = UnsafeTable(file.section(3), size: 2)
        raises = UnsafeTable(file.section(4), size: 16)
        aliases = UnsafeTable(file.section(5), size: 8)
        windowsAliases = UnsafeTable(file.section(10), size: 8)
        variables = UnsafeTable(file.section(6), size: 4)
        verbs = UnsafeTable(file.section(7), size: 8)
        reasons = UnsafeTable(file.section(8), size: 4)
        commonList = UnsafeTable(file.section(9), size: 4).u32(0, 0)
        usual = UnsafeTable(file.section(11), size: 4)
    }

    /// The number of names, including former spellings.
    var count: UInt32 { UInt32(file.sectionLength(1) / Self.rowSize) }

    /// Returns the entries of a name: several if modules share it, none if no table knows it.
    func entries(named name: String) -> [CmdletEntry] {
        let lower = name.asciiLowercased
        var low: UInt32 = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if file.compareFolded(lower, with: rows.u32(middle, 0)) > 0 { low = middle + 1 } else { high = middle }
        }
        var found: [CmdletEntry] = []
        while low < count, file.compareFolded(lower, with: rows.u32(low, 0)) == 0 {
            found.append(entry(low))
            low += 1
        }
        return found
    }

    /// Returns the entry in a row.
    func entry(_ row: UInt32) -> CmdletEntry {
        let (name, own) = (rows.u32(row, 0), UInt32(rows.u16(row, 4)))
        let canonical = facts.u32(own, 0)
        return CmdletEntry(
            file: file, nameOffset: canonical == 0 ? name : canonical, row: row, facts: own,
            product: CmdletEntry.Product(rawValue: facts.u8(own, 26)) ?? .builtin,
            classes: GuardClassSet(rawValue: facts.u16(own, 24)), reasonBits: facts.u64(own, 16),
            services: facts.u8(own, 27), support: facts.u8(own, 28),
            lists: CmdletEntry.Lists(rawValue: facts.u8(own, 29)),
            hasParameters: facts.u32(own, 8) != 0, hasRaises: facts.u32(own, 12) != 0)
    }

    /// Returns the module of an Azure cmdlet; empty if it is unknown.
    func module(of entry: CmdletEntry) -> String { file.string(facts.u32(entry.facts, 4)) }

    /// Returns the reasons for an entry's classes, for people.
    func reasons(of entry: CmdletEntry) -> [String] {
        (0..<UInt32(file.sectionLength(8) / 4)).filter { entry.reasonBits & (1 << UInt64($0)) != 0 }
            .map { file.string(reasons.u32($0, 0)) }.filter { !$0.isEmpty }
    }

    /// Returns the cmdlet that a built-in alias of PowerShell 7 on Linux stands for.
    func alias(_ name: String) -> String? { alias(name, in: aliases, count: file.sectionLength(5) / 8) }

    /// Returns the cmdlet that an alias stands for on Windows only; elsewhere the name refers to a program.
    func windowsAlias(_ name: String) -> String? { alias(name, in: windowsAliases, count: file.sectionLength(10) / 8) }

    private func alias(_ name: String, in table: UnsafeTable, count: Int) -> String? {
        let lower = name.asciiLowercased
        var low: UInt32 = 0
        var high = UInt32(count)
        while low < high {
            let middle = (low + high) / 2
            let order = file.compareFolded(lower, with: table.u32(middle, 0))
            if order == 0 { return file.string(table.u32(middle, 4)) }
            if order < 0 { high = middle } else { low = middle + 1 }
        }
        return nil
    }

    /// Returns whether PowerShell itself uses a variable of this name.
    func isAutomaticVariable(_ name: String) -> Bool {
        let lower = name.asciiLowercased
        var low: UInt32 = 0
        var high = UInt32(file.sectionLength(6) / 4)
        while low < high {
            let middle = (low + high) / 2
            let order = file.compareFolded(lower, with: variables.u32(middle, 0))
            if order == 0 { return true }
            if order < 0 { high = middle } else { low = middle + 1 }
        }
        return false
    }

    /// The verbs of cmdlets that make or change what their noun names.
    private static let making = ["new", "set", "add", "update", "enable", "grant", "register"]

    /// Returns the class that verb and noun of an unknown name suggest, never weaker than write. If it may change
    /// something, it may change what the cmdlets with the same noun change: `Add-AzADGroupOwner` what
    /// `New-AzADGroupOwner` does.
    func classOfUnknown(_ name: String) -> GuardClassSet {
        let lower = name.asciiLowercased
        var classes = GuardClassSet.write
        if let dash = lower.firstIndex(of: "-") {
            let verb = String(lower[..<dash])
            if ["connect", "disconnect", "login", "logout"].contains(verb) { return .session }
            classes = classOfVerb(verb) ?? .write
            if classes == .read {
                classes = .write
            } else {
                for entry in Self.making.flatMap({ entries(named: $0 + lower[dash...]) }) {
                    classes.formUnion(entry.classes.subtracting([.read, .session]))
                }
            }
        }
        let secrets = ["token", "secret", "password", "credential", "accesskey", "connectionstring"]
        if secrets.contains(where: { lower.contains($0) }) { classes.insert(.secret) }
        return classes
    }

    /// Returns the class that a verb, in lower case, suggests.
    func classOfVerb(_ verb: String) -> GuardClassSet? {
        var low: UInt32 = 0
        var high = UInt32(file.sectionLength(7) / 8)
        while low < high {
            let middle = (low + high) / 2
            let order = file.compareFolded(verb, with: verbs.u32(middle, 0))
            if order == 0 { return GuardClassSet(rawValue: UInt16(truncatingIfNeeded: verbs.u32(middle, 4))) }
            if order < 0 { high = middle } else { low = middle + 1 }
        }
        return nil
    }

    /// Returns the request that a Graph cmdlet sends, its path as a template; nil if no table has it.
    func request(of entry: CmdletEntry) -> (method: String, path: String)? {
        let offset = requests.u32(UInt32(rows.u16(entry.row, 6)), 0)
        guard offset != 0 else { return nil }
        let parts = file.string(offset).split(separator: " ", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    // MARK: Parameters

    /// Returns the parameters that nearly every cmdlet of a module has, for cmdlets whose own parameters no table
    /// lists.
    func usualParameters(of product: CmdletEntry.Product) -> [CmdletParameter] {
        let list = usual.u32(UInt32(product.rawValue), 0)
        return list == 0 ? [] : parameterList(list)
    }

    /// Returns the parameters of an entry without the common ones; nil if no table lists them.
    func parameters(of entry: CmdletEntry) -> [CmdletParameter]? {
        let list = facts.u32(entry.facts, 8)
        return list == 0 ? nil : parameterList(list)
    }

    /// Returns the parameters that every cmdlet has.
    func commonParameters() -> [CmdletParameter] { parameterList(commonList) }

    private func parameterList(_ list: UInt32) -> [CmdletParameter] {
        let start = list - 1
        return (0..<UInt32(lists.u16(start, 0))).map { index in
            let row = UInt32(lists.u16(start + 1 + index, 0))
            return CmdletParameter(
                file: file, nameOffset: parameters.u32(row, 0), aliasesOffset: parameters.u32(row, 4),
                position: Int(Int8(bitPattern: parameters.u8(row, 8))), flags: parameters.u8(row, 9))
        }
    }

    /// Returns the parameters that add classes to an entry.
    func raises(of entry: CmdletEntry) -> [CmdletRaise] {
        let offset = facts.u32(entry.facts, 12)
        guard offset != 0 else { return [] }
        return (0..<raises.u32(offset - 1, 0)).map { index in
            let row = offset + index
            let values = file.string(raises.u32(row, 4))
            let condition: CmdletRaise.Condition =
                switch raises.u16(row, 14) {
                case 0: .any
                case 1: .isTrue
                case 2: .isFalse
                default: .values(values.split(separator: ",").map(String.init))
                }
            let parameter = file.string(raises.u32(row, 0))
            return CmdletRaise(
                parameter: parameter, folded: parameter.asciiLowercased, condition: condition,
                reason: file.string(raises.u32(row, 8)),
                classes: GuardClassSet(rawValue: raises.u16(row, 12)))
        }
    }
}

/// Rows of a fixed size in constant memory of the program.
///
/// Sendable by hand: that memory is never written or freed.
package struct UnsafeTable: @unchecked Sendable {
    private let base: UnsafeRawPointer
    private let size: Int

    /// Creates a table with rows of `size` bytes.
    package init(_ base: UnsafeRawPointer, size: Int) {
        self.base = base
        self.size = size
    }

    /// Returns a number at an offset within a row.
    package func u32(_ row: UInt32, _ column: Int) -> UInt32 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt32.self)
    }

    /// Returns a number at an offset within a row.
    package func u16(_ row: UInt32, _ column: Int) -> UInt16 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt16.self)
    }

    /// Returns a number at an offset within a row.
    package func u8(_ row: UInt32, _ column: Int) -> UInt8 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt8.self)
    }

    /// Returns a number at an offset within a row.
    package func u64(_ row: UInt32, _ column: Int) -> UInt64 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt64.self)
    }
}

/// The tables' entry for a cmdlet. Names are only read from the table when needed: a verdict on a script looks at many
/// entries and prints few.
struct CmdletEntry: Sendable {
    /// The product that a cmdlet belongs to.
    enum Product: UInt8, Sendable {
        case builtin, exchange, teams, pnp, sharePoint, powerApps, azure, graph
    }

    /// The lists that the cmdlet is on, and other marks.
    struct Lists: OptionSet, Sendable {
        let rawValue: UInt8
        /// It never runs, even if confirmed.
        static let blocked = Lists(rawValue: 1)
        /// It is on the warned list.
        static let warned = Lists(rawValue: 2)
        /// It sends messages, which a person is shown first.
        static let sendGuard = Lists(rawValue: 4)
        /// It sends an arbitrary request, which is judged instead.
        static let method = Lists(rawValue: 8)
        /// A built-in command that is not on the list of those that may run without a confirmation.
        static let outside = Lists(rawValue: 16)
        /// Neither its verb nor a review nor a known request tells its effect.
        static let unproven = Lists(rawValue: 32)
        /// It never runs for callers of the earlier servers' tools.
        static let earlierBlocked = Lists(rawValue: 64)
    }

    let file: TableFile
    let nameOffset: UInt32
    let row: UInt32
    /// The row of the facts that it shares with others.
    let facts: UInt32
    let product: Product
    let classes: GuardClassSet
    let reasonBits: UInt64
    /// The services of an Exchange cmdlet: 1 Exchange Online, 2 Security & Compliance.
    let services: UInt8
    /// The supported switches: 1 WhatIf, 2 WhatIf in Security & Compliance, 4 and 8 Confirm in the same way.
    let support: UInt8
    let lists: Lists
    let hasParameters: Bool
    let hasRaises: Bool

    /// Whether the documentation says that with `-WhatIf` it changes nothing. Only cmdlets count for which the service
    /// itself enforces it: those of Exchange Online, and Azure's deployments, whose effects Resource Manager computes
    /// (the table marks no others of Azure).
    var honoursWhatIf: Bool {
        (product == .exchange && services == 1 || product == .azure) && support & 1 != 0
    }

    /// The current name, as documented.
    var name: String { file.string(nameOffset) }

    /// Returns whether it has this name, given in lower case.
    func isNamed(_ name: String) -> Bool { file.compareFolded(name, with: nameOffset) == 0 }
}

/// A parameter of a cmdlet. Its names are only read from the table when needed.
struct CmdletParameter: Sendable {
    let file: TableFile
    let nameOffset: UInt32
    private let aliasesOffset: UInt32
    /// The position at which it can be given without its name; -1 for none.
    let position: Int
    private let flags: UInt8

    init(file: TableFile, nameOffset: UInt32, aliasesOffset: UInt32, position: Int, flags: UInt8) {
        self.file = file
        self.nameOffset = nameOffset
        self.aliasesOffset = aliasesOffset
        self.position = position
        self.flags = flags
    }

    /// The name, as documented.
    var name: String { file.string(nameOffset) }
    /// Whether it takes no value.
    var isSwitch: Bool { flags & 1 != 0 }
    /// Whether a value may come through the pipeline.
    var takesPipeline: Bool { flags & 2 != 0 }
    /// Whether its value names a variable that is written.
    var writesVariable: Bool { flags & 4 != 0 }
    /// Whether every cmdlet has it.
    var isCommon: Bool { flags & 8 != 0 }
    /// Whether its value is a block that the cmdlet runs.
    var takesBlock: Bool { flags & 16 != 0 }
    /// Whether at least one form of the cmdlet requires it.
    var isRequired: Bool { flags & 64 != 0 }

    /// Returns whether it has this name, given in lower case.
    func isNamed(_ name: String) -> Bool { file.compareFolded(name, with: nameOffset) == 0 }

    /// The parameter in the form that the binder needs; the table has no parameter sets.
    var bindable: BindableParameter {
        BindableParameter(isSwitch: isSwitch, position: position, identity: Int(nameOffset))
    }

    /// Returns how a written name, in lower case, matches its name and aliases.
    func fit(_ written: String) -> ParameterFit {
        var written = written
        return written.withUTF8 { short in
            let name = file.bytes(nameOffset)
            let own = Self.fit(short, name[...])
            let aliases = file.bytes(aliasesOffset)
            if own == .name || aliases.isEmpty { return own }
            var best = own
            var start = 0
            while start < aliases.count {
                let end = aliases[start...].firstIndex(of: UInt8(ascii: ",")) ?? aliases.count
                switch Self.fit(short, aliases[start..<end]) {
                case .name, .alias: return .alias
                case .abbreviation: best = .abbreviation
                case .none: break
                }
                start = end + 1
            }
            return best
        }
    }

    private static func fit(
        _ short: UnsafeBufferPointer<UInt8>, _ name: Slice<UnsafeRawBufferPointer>
    ) -> ParameterFit {
        guard short.count <= name.count else { return .none }
        var place = name.startIndex
        for byte in short {
            let own = name[place]
            if byte != (own &- 0x41 < 26 ? own | 0x20 : own) { return .none }
            place += 1
        }
        return short.count == name.count ? .name : .abbreviation
    }
}

/// A parameter that adds classes to its cmdlet.
struct CmdletRaise: Sendable {
    enum Condition: Sendable, Hashable {
        case any
        case isTrue
        case isFalse
        /// The value is one of these, in lower case; `*` at the end stands for any rest.
        case values([String])
    }

    let parameter: String
    /// The parameter's name in lower case.
    let folded: String
    let condition: Condition
    let reason: String
    let classes: GuardClassSet
}

extension CmdletRaise.Condition {
    /// Returns whether a value fulfils the condition; `nil` is a switch without a value. A value that is only known at
    /// run time fulfils every condition.
    func holds(_ value: ConstantValue?) -> Bool {
        guard let value else { return self != .isFalse }
        if value == .dynamic { return true }
        switch self {
        case .any: return true
        case .isTrue: return !Self.isFalse(value)
        case .isFalse:
            switch value {
            case .null, .array: return true
            default: return Self.isFalse(value)
            }
        case .values(let names):
            // PowerShell accepts the names of an enumeration abbreviated, as numbers and joined by commas.
            return (value.texts ?? [""]).contains { text in
                text.split(separator: ",").contains { part in
                    let word = part.filter { $0 != " " }.asciiLowercased
                    return names.contains { name in
                        if name.hasSuffix("*"), name != "*" { return word.hasPrefix(name.dropLast()) }
                        return name.hasPrefix(word) || word.first?.isNumber == true
                    }
                }
            }
        }
    }

    private static func isFalse(_ value: ConstantValue) -> Bool {
        switch value {
        case .bool(let flag): !flag
        case .number(let text): text == "0"
        case .string(let text): ["false", "$false", "0", ""].contains(text.asciiLowercased)
        case .null, .array, .dynamic: false
        }
    }
}

/// All data by which the guard judges: the built-in tables and the user's rules. All judges share one instance.
final class GuardTables: Sendable {
    let paths = GraphPathTable()
    let requests = RequestRuleTable()
    let cmdlets: CmdletTable
    let commands: KnownCommands
    let user: UserRuleFile

    init(user: UserRuleFile = .none) {
        let cmdlets = CmdletTable()
        self.cmdlets = cmdlets
        commands = KnownCommands(cmdlets)
        self.user = user
    }
}

/// A cache of the commands that scripts name, for all scripts that a guard judges.
final class KnownCommands: Sendable {
    private let tables: CmdletTable
    private let common: [CmdletParameter]
    private let found = Mutex<[UInt32: KnownCommand]>([:])
    /// Scripts usually name few of the thousands of commands. The limit keeps a script that names them all from filling
    /// the memory.
    private static let most = 500

    init(_ tables: CmdletTable) {
        self.tables = tables
        common = tables.commonParameters()
    }

    /// Returns the tables' entries for a command.
    func command(_ entry: CmdletEntry) -> KnownCommand {
        if let known = found.withLock({ $0[entry.row] }) { return known }
        let made = KnownCommand(entry, tables: tables, common: common)
        found.withLock { found in
            if found.count >= Self.most { found = [:] }
            found[entry.row] = made
        }
        return made
    }
}
