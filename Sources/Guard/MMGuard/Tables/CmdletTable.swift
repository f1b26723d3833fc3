internal import CGuardTables
internal import MMCore

/// Cmdlets with their classes and parameters, read in place. Names are compared without (ASCII) case.
struct CmdletTable: Sendable {
    private static let rowSize = 40
    private let file = TableFile(cguard_cmdlets().bytes, length: cguard_cmdlets().length, magic: "MMC1")
    private let rows: UnsafeTable
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

    /// How many names there are, spellings of old included.
    var count: UInt32 { UInt32(file.sectionLength(1) / Self.rowSize) }

    /// The entries of a name: several when modules share it, none when no table knows it.
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

    /// The entry in a row.
    func entry(_ row: UInt32) -> CmdletEntry {
        CmdletEntry(
            file: file, nameOffset: rows.u32(row, 4), row: row,
            product: CmdletEntry.Product(rawValue: rows.u8(row, 30)) ?? .builtin,
            classes: GuardClassSet(rawValue: rows.u16(row, 28)), reasonBits: rows.u64(row, 20),
            services: rows.u8(row, 31), support: rows.u8(row, 32), lists: CmdletEntry.Lists(rawValue: rows.u8(row, 33)),
            hasParameters: rows.u32(row, 12) != 0, hasRaises: rows.u32(row, 16) != 0)
    }

    /// The module that holds an Azure cmdlet; empty when unknown.
    func module(of entry: CmdletEntry) -> String { file.string(rows.u32(entry.row, 8)) }

    /// Why an entry has its classes, in the words of the reasons' list.
    func reasons(of entry: CmdletEntry) -> [String] {
        (0..<UInt32(file.sectionLength(8) / 4)).filter { entry.reasonBits & (1 << UInt64($0)) != 0 }
            .map { file.string(reasons.u32($0, 0)) }
    }

    /// The cmdlet that a built-in alias of PowerShell 7 on Linux names.
    func alias(_ name: String) -> String? { alias(name, in: aliases, count: file.sectionLength(5) / 8) }

    /// The cmdlet that an alias names on Windows, where elsewhere the name reaches a program.
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

    /// Whether PowerShell itself owns a variable of this name.
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

    /// The class that verb and noun suggest, never below write: the name is in no table.
    func classOfUnknown(_ name: String) -> GuardClassSet {
        let lower = name.asciiLowercased
        var classes = GuardClassSet.write
        if let dash = lower.firstIndex(of: "-") {
            let verb = String(lower[..<dash])
            if ["connect", "disconnect", "login", "logout"].contains(verb) { return .session }
            classes = classOfVerb(verb) ?? .write
            if classes == .read { classes = .write }
        }
        let secrets = ["token", "secret", "password", "credential", "accesskey", "connectionstring"]
        if secrets.contains(where: { lower.contains($0) }) { classes.insert(.secret) }
        return classes
    }

    /// The class that a verb, in lower case, suggests.
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

    /// The request that a Graph cmdlet sends, its path as a template; nil when no table tells it.
    func request(of entry: CmdletEntry) -> (method: String, path: String)? {
        let offset = rows.u32(entry.row, 36)
        guard offset != 0 else { return nil }
        let parts = file.string(offset).split(separator: " ", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    // MARK: Parameters

    /// What nearly every cmdlet of a module takes, for those whose own parameters no table lists.
    func usualParameters(of product: CmdletEntry.Product) -> [CmdletParameter] {
        let list = usual.u32(UInt32(product.rawValue), 0)
        return list == 0 ? [] : parameterList(list)
    }

    /// The parameters of an entry; nil when no table lists them. The common ones are not among them.
    func parameters(of entry: CmdletEntry) -> [CmdletParameter]? {
        let list = rows.u32(entry.row, 12)
        return list == 0 ? nil : parameterList(list)
    }

    /// The parameters that every cmdlet has.
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

    /// The parameters that add classes to an entry.
    func raises(of entry: CmdletEntry) -> [CmdletRaise] {
        let offset = rows.u32(entry.row, 16)
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
