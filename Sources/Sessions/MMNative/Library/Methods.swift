/// The supported method calls.
enum Methods {
    /// Evaluates `target.name(arguments)`.
    /// - Parameter onlyReads: whether the script changes nothing, so that behaviour that wasn't recorded may be used.
    static func call(
        _ target: PSValue, _ name: String, _ arguments: [PSValue], onlyReads: Bool = false
    ) throws(Interrupt) -> PSValue {
        let method = name.lowercased()
        if method == "gettype", arguments.isEmpty {
            switch target {
            case .null, .nothing, .list, .block, .type, .typeInfo, .ownType: break
            case .object(let object) where object.typeName == ErrorRecords.type: return .typeInfo(ErrorRecords.type)
            case .object(let object) where object.typeName == PSTable.entryType: return .typeInfo(object.typeName)
            case .object(let object) where !object.isCustom:
                if let name = ErrorRecords.certainType(of: object) { return .typeInfo(name) }
                if onlyReads, ErrorRecords.isException(object) { return .typeInfo(object.typeName) }
            case .object(let object): return .typeInfo(object.model ?? PSObject.customType)
            default: return .typeInfo(target.typeName)
            }
        }
        switch target {
        case .list(let list): return try list.call(method, arguments)
        case .null, .nothing:
            throw .statement(
                NativeError(
                    "InvokeMethodOnNull", "You cannot call a method on a null-valued expression.", isReadable: true))
        case .string(let text):
            if onlyReads, method == "split", let parts = TextMethods.split(text, atAny: arguments) { return parts }
            return try TextMethods.call(text, method, name, arguments)
        case .array(let items):
            // The results of all elements are put into one list.
            if onlyReads, method == "split", !items.isEmpty {
                var parts: [PSValue] = []
                for item in items { parts += Cmdlets.list(try call(item, name, arguments)) }
                return .collapsed(parts)
            }
            return try each(items, method, name, arguments)
        case .byte, .int, .long, .double, .single, .decimal, .bool, .char:
            return try scalar(target, method, name, arguments)
        case .date(let date): return try self.date(date, method, arguments)
        case .span(let ticks): return try span(ticks, method, name, arguments)
        case .guid(let text) where method == "tostring" && arguments.count == 1:
            guard let text = TextOperators.text(ofGUID: text, arguments[0].text) else {
                throw .handOver("the method \(name)")
            }
            return .string(text)
        case .version(let parts) where method == "tostring" && arguments.count == 1:
            guard case .int(let count) = arguments[0], (0...parts.count).contains(Int(count)) else {
                throw .handOver("the method \(name)")
            }
            return .string(parts.prefix(Int(count)).map { String($0) }.joined(separator: "."))
        case .guid, .version, .enumeration:
            guard method == "tostring", arguments.isEmpty else { throw .handOver("the method \(name)") }
            return .string(try PSText.string(target))
        case .table(let table):
            guard ["containskey", "contains"].contains(method), arguments.count == 1,
                case .string(let key) = arguments[0], key.isPlain, !(table.isOrdered && method == "containskey")
            else { throw .handOver("the method \(name) of \(target.typeName)") }
            return .bool(table[key] != nil)
        case .typeInfo(let full):
            guard method == "tostring", arguments.isEmpty, !full.hasSuffix("Dictionary`2") else {
                throw .handOver("the method \(name)")
            }
            return .string(full)
        case .ownType(let type) where method == "tostring" && arguments.isEmpty: return .string(type.name)
        case .object, .block, .type, .ownType: throw .handOver("the method \(name) of \(target.typeName)")
        }
    }

    private static func scalar(
        _ target: PSValue, _ method: String, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        switch (method, arguments.count, arguments.first) {
        case ("tostring", 0, _):
            if case .double(let number) = target { return .string(PSText.long(number)) }
            if case .single(let number) = target { return .string(PSText.long(number)) }
            return .string(try PSText.string(target))
        case ("tostring", 1, .string(let format)?) where Comparison.isNumber(target) && !format.isEmpty:
            return .string(try NumberFormat.text(target, format))
        case ("tostring", 2, .string(let format)?) where Comparison.isNumber(target) && !format.isEmpty:
            guard let culture = PSCulture.name(of: arguments[1]) else { throw .handOver("another culture") }
            return .string(try NumberFormat.text(target, format, culture: culture))
        case ("equals", 1, let other?) where other.typeName == target.typeName:
            return .bool(try Comparison.equal(target, other, ignoringCase: false))
        case ("compareto", 1, let other?) where other.typeName == target.typeName && Comparison.isNumber(target):
            return .int(Int32(try Comparison.order(target, other)))
        default:
            let known = ["to", "get", "is", "foreach", "where", "op_", "equals", "compareto", "try", "round"]
            guard !known.contains(where: { method.hasPrefix($0) }) else { throw .handOver("the method \(name)") }
            throw .statement(.missingMethod(name, of: target.typeName))
        }
    }

    /// Calls a method that lists don't have on each element.
    private static func each(
        _ items: [PSValue], _ method: String, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        let known: Set<String> = [
            "toupper", "tolower", "trim", "trimstart", "trimend", "substring", "replace", "startswith", "endswith",
            "padleft", "padright", "adddays", "addhours", "addminutes", "addmonths", "addyears", "toupperinvariant",
            "tolowerinvariant", "tobytes", "tokb", "tomb", "togb", "totb", "containskey",
        ]
        switch (method, arguments.count) {
        case ("contains", 1): return .bool(try holds(items, arguments[0]))
        // An array implements these methods as lists do.
        case ("indexof", 1): return try PSList(.objects, items).call(method, arguments)
        case ("getenumerator", 0), ("clone", 0): return .array(items)
        case ("getupperbound", 1): return .int(Int32(truncatingIfNeeded: items.count - 1))
        default: break
        }
        guard known.contains(method), !items.isEmpty else { throw .handOver("the method \(name) of a list") }
        var results: [PSValue] = []
        for item in items {
            switch item {
            case .string, .date, .table: results.append(try call(item, name, arguments))
            default: throw .handOver("the method \(name) of a list")
            }
        }
        return .collapsed(results)
    }

    /// Implements `Contains`: looks for an equal value of the same type, comparing text unit by unit.
    private static func holds(_ items: [PSValue], _ wanted: PSValue) throws(Interrupt) -> Bool {
        for item in items {
            switch (item, wanted) {
            case (.string(let text), .string(let other)):
                if text.utf8.elementsEqual(other.utf8) { return true }
            case (.int(let number), .int(let other)):
                if number == other { return true }
            case (.string, .int), (.int, .string), (.null, _): continue
            default: throw .handOver("Contains of a list")
            }
        }
        return false
    }

    private static func span(
        _ ticks: Int64, _ method: String, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        switch (method, arguments.count, arguments.first) {
        case ("tostring", 0, _): return .string(PSSpan.text(ticks))
        case ("tostring", 1, .string(let format)?) where !format.isEmpty:
            guard let text = PSSpan.formatted(ticks, format) else { throw .handOver("a format of a time span") }
            return .string(text)
        case ("add", 1, .span?): return try Arithmetic.add(.span(ticks), arguments[0])
        case ("subtract", 1, .span?): return try Arithmetic.subtract(.span(ticks), arguments[0])
        case ("negate", 0, _): return .span(try PSSpan.negated(ticks))
        case ("duration", 0, _): return .span(ticks < 0 ? try PSSpan.negated(ticks) : ticks)
        default: throw .handOver("the method \(name) of a time span")
        }
    }

    private static func date(
        _ date: PSDate, _ method: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        switch (method, arguments.count, arguments.first) {
        case ("tostring", 0, _): return .string(date.text)
        case ("tofiletime", 0, _), ("tofiletimeutc", 0, _):
            return .long(date.asUniversal.ticks - PSDate.fileEpoch.ticks)
        case ("tooadate", 0, _):
            guard date.automationDays >= 0 else { throw .handOver("a date before 1900") }
            return .double(date.automationDays)
        case ("tostring", 1, .string(let format)?):
            guard !format.isEmpty, let text = date.formatted(format) else {
                throw .handOver("a culture-dependent date format")
            }
            return .string(text)
        case ("tostring", 2, .string(let format)?):
            let culture = PSCulture.name(of: arguments[1]) ?? (arguments[1].isNull ? "" : nil)
            guard let culture, !format.isEmpty, let text = PSCulture.text(date, format, culture: culture) else {
                throw .handOver("a culture-dependent date format")
            }
            return .string(text)
        case ("toshortdatestring", 0, _): return .string(date.formatted("d") ?? "")
        case ("toshorttimestring", 0, _): return .string(date.formatted("t") ?? "")
        case ("tolongdatestring", 0, _): return .string(date.formatted("D") ?? "")
        case ("tolongtimestring", 0, _): return .string(date.formatted("T") ?? "")
        case ("touniversaltime", 0, _): return .date(date.asUniversal)
        case ("tolocaltime", 0, _): return .date(date.asLocal)
        case ("adddays", 1, let count?): return try moved(date, count, PSSpan.day)
        case ("addhours", 1, let count?): return try moved(date, count, PSSpan.hour)
        case ("addminutes", 1, let count?): return try moved(date, count, PSSpan.minute)
        case ("addseconds", 1, let count?): return try moved(date, count, PSSpan.second)
        case ("addmilliseconds", 1, let count?): return try moved(date, count, 10_000)
        case ("addticks", 1, let count?): return try moved(date, count, 1)
        case ("addmonths", 1, .int(let count)?): return try moved(date, months: Int(count))
        case ("addyears", 1, .int(let count)?): return try moved(date, months: Int(count) * 12)
        case ("subtract", 1, let other?): return try Arithmetic.subtract(.date(date), other)
        case ("add", 1, .span?): return try Arithmetic.add(.date(date), arguments[0])
        case ("equals", 1, .date(let other)?): return .bool(date.ticks == other.ticks)
        case ("compareto", 1, .date(let other)?):
            return .int(date.ticks < other.ticks ? -1 : date.ticks > other.ticks ? 1 : 0)
        default: throw .handOver("the method \(method) of a date")
        }
    }

    private static func moved(_ date: PSDate, _ count: PSValue, _ unit: Int64) throws(Interrupt) -> PSValue {
        let ticks: Int64
        switch count {
        case .int(let number):
            let (product, overflow) = Int64(number).multipliedReportingOverflow(by: unit)
            if overflow { throw .handOver("a date out of range") }
            ticks = product
        case .double(let number):
            // .NET multiplies whole units and the rest of one separately, and drops parts of a tick.
            let whole = number.rounded(.towardZero)
            guard number.isFinite, (whole * Double(unit)).magnitude < 9e18 else {
                throw .handOver("a date out of range")
            }
            ticks = Int64(whole) * unit + Int64((number - whole) * Double(unit))
        default: throw .handOver("an unusual time")
        }
        guard let moved = date.moved(by: ticks) else { throw .handOver("a date out of range") }
        return .date(moved)
    }

    private static func moved(_ date: PSDate, months: Int) throws(Interrupt) -> PSValue {
        let at = date.parts
        let total = at.year * 12 + at.month - 1 + months
        let (year, month) = (total / 12, total % 12 + 1)
        guard (1...9999).contains(year),
            let moved = PSDate(
                year, month, min(at.day, PSDate.days(in: month, of: year)), at.hour, at.minute, at.second,
                fraction: Int64(at.fraction), kind: date.kind)
        else { throw .handOver("a date out of range") }
        return .date(moved)
    }
}
