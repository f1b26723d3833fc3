import MMCore
import PowerShellSyntax

/// Members of .NET's types that reports use and that were never compared with a real PowerShell, by .NET's
/// documentation. A script that changes something is run by PowerShell instead where it uses them.
enum ReportTypes {
    // MARK: Static members

    /// Returns `[type]::name`; `nil` if the type has no such member here.
    static func property(_ type: PSType, _ name: String) -> PSValue? {
        switch (type, name.lowercased()) {
        case (.datetime, "unixepoch"): .date(PSDate(ticks: PSDate.epoch.ticks, kind: .utc))
        case (.timespan, "maxvalue"): .span(.max)
        case (.timespan, "minvalue"): .span(.min)
        default: nil
        }
    }

    /// Calls a static method; `nil` if the type has no such method here.
    static func call(
        _ type: PSType, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        switch (type, method, arguments.count) {
        case (.math, "max", 2), (.math, "min", 2), (.math, "clamp", 3): return try picked(method, arguments)
        case (.datetime, "parseexact", 3...4): return try parsedExactly(arguments)
        case (.datetime, "fromoadate", 1):
            guard case .double(let days) = try Conversion.argument(arguments[0], to: .double),
                (1...2_958_465).contains(days)
            else { return nil }
            let ticks = Int64((days * 86_400_000).rounded()) * 10_000
            return .date(PSDate(ticks: PSDate.automationEpoch.ticks + ticks, kind: .unspecified))
        case (.scriptblock, "create", 1):
            return try HostCommands.block(of: try PSText.string(arguments[0]), in: evaluator)
        case (.guid, "new", 1): return try Conversion.argument(arguments[0], to: .guid)
        case (.string, "new", 1): return .string(try StepBound.joined(Cmdlets.list(arguments[0].plain).map(\.text)))
        case (.string, "copy", 1): return .string(arguments[0].text)
        case (.convert, "toint16", 1): return try whole(arguments[0], -0x8000...0x7FFF, "ToInt16")
        case (.convert, "touint16", 1): return try whole(arguments[0], 0...0xFFFF, "ToUInt16")
        case (.convert, "touint32", 1): return try whole(arguments[0], 0...0xFFFF_FFFF, "ToUInt32")
        case (.convert, "touint64", 1): return try whole(arguments[0], 0...Int64.max, "ToUInt64")
        case (.convert, "tosingle", 1): return try Readings.converted(arguments[0], to: .single, "ToSingle")
        case (.convert, "changetype", 2):
            guard case .type(let wanted) = arguments[1] else { return nil }
            return try Readings.converted(arguments[0], to: wanted, "ChangeType", 2)
        case (.bitconverter, "getbytes", 1):
            switch arguments[0] {
            case .int(let number): return .array((0..<4).map { .byte(UInt8(truncatingIfNeeded: number >> (8 * $0))) })
            case .long(let number): return .array((0..<8).map { .byte(UInt8(truncatingIfNeeded: number >> (8 * $0))) })
            default: return nil
            }
        case (.environment, "exit", 1):
            guard case .int(let code) = try Conversion.argument(arguments[0], to: .int) else { return nil }
            throw .exit(code)
        case (.array, "createinstance", 2): return try Evaluator.newArray(of: .array, arguments[1])
        case (.xmlconvert, "totimespan", 1):
            guard let ticks = try PSSpan.ticks(ofDuration: arguments[0].text) else {
                throw Readings.failure(
                    "ToTimeSpan", 1, "The string '\(arguments[0].text)' is not a valid TimeSpan value.")
            }
            return .span(ticks)
        case (.hosts, "gethostname", 0): return .string("localhost")
        case (.process, "getcurrentprocess", 0): return HostCommands.ownProcess
        case (.process, "start", 1...2):
            evaluator.host?.remark("Not opened: \(arguments[0].text)")
            return .nothing
        case (.messagebox, "show", 1...): return try HostInterface.message(arguments, in: evaluator)
        case (.randomnumbers, "new", 0...1):
            return PSObject([], typeName: randomType, isCustom: false).map { .object($0) }
        default: return try StreamedText.made(type, method, arguments, in: evaluator)
        }
    }

    private static let randomType = "System.Random"

    /// Calls a method of an object; `nil` for other objects and names.
    static func call(_ object: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard object.typeName == randomType else { return nil }
        switch (method, arguments.count) {
        case ("nextdouble", 0): return .double(Double.random(in: 0..<1))
        case ("next", 0...2):
            var bounds: [Int32] = []
            for case .int(let number) in arguments { bounds.append(number) }
            guard bounds.count == arguments.count else { return nil }
            let (low, high) = (bounds.count == 2 ? bounds[0] : 0, bounds.last ?? .max)
            guard low < high else { return low == high ? .int(low) : nil }
            return .int(Int32.random(in: low..<high))
        default: return nil
        }
    }

    // MARK: Numbers

    /// Converts to a whole number of a type that has no kind of its own here: to an int, or to a long if the type's
    /// numbers are larger.
    private static func whole(
        _ value: PSValue, _ range: ClosedRange<Int64>, _ method: String
    ) throws(Interrupt) -> PSValue {
        let type: PSType = range.upperBound > 0xFFFF ? .long : .int
        let number = try Readings.converted(value, to: type, method)
        let whole: Int64? =
            switch number {
            case .int(let small): Int64(small)
            case .long(let large): large
            default: nil
            }
        guard let whole, range.contains(whole) else { throw .handOver("a number out of range") }
        return number
    }

    /// Returns the larger, the smaller or the middle one of numbers, of the type to which all of them widen.
    private static func picked(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        var numbers: [PSValue] = []
        for argument in arguments {
            switch argument {
            case .null, .nothing: numbers.append(.int(0))
            case .string(let text):
                if let whole = try Readings.read(text, as: .int) {
                    numbers.append(whole)
                } else if let number = try Readings.read(text, as: .double) {
                    numbers.append(number)
                } else {
                    return nil
                }
            case .byte(let number): numbers.append(.int(Int32(number)))
            case .single(let number): numbers.append(.double(Double(number)))
            case .int, .long, .double, .decimal: numbers.append(argument)
            default: return nil
            }
        }
        let ranks = numbers.map { (number) -> PSType in
            switch number {
            case .long: .long
            case .double: .double
            case .decimal: .decimal
            default: .int
            }
        }
        // .NET has no overload to which a decimal and a double widen.
        guard !(ranks.contains(.decimal) && ranks.contains(.double)),
            let widest = [PSType.decimal, .double, .long, .int].first(where: ranks.contains)
        else { return nil }
        func larger(_ one: PSValue, _ other: PSValue) throws(Interrupt) -> PSValue {
            try Comparison.order(one, other) >= 0 ? one : other
        }
        func smaller(_ one: PSValue, _ other: PSValue) throws(Interrupt) -> PSValue {
            try Comparison.order(one, other) <= 0 ? one : other
        }
        let pick: PSValue
        switch method {
        case "max": pick = try larger(numbers[0], numbers[1])
        case "min": pick = try smaller(numbers[0], numbers[1])
        default: pick = try smaller(larger(numbers[0], numbers[1]), numbers[2])
        }
        return try Conversion.cast(pick, to: widest)
    }

    // MARK: Dates

    /// The styles with which a date is read, in lower case; `nil` for a value that names none.
    static func styles(_ value: PSValue?) -> Set<String>? {
        guard let value, !value.isNull else { return [] }
        let names = Cmdlets.list(value.plain).map(\.text).joined(separator: ",").lowercased()
        let known: Set = [
            "none", "assumelocal", "assumeuniversal", "adjusttouniversal", "roundtripkind", "allowwhitespaces",
            "allowleadingwhite", "allowtrailingwhite", "allowinnerwhite",
        ]
        let styles = Set(names.split { $0 == "," || $0 == " " }.map(String.init))
        return styles.isSubset(of: known) ? styles : nil
    }

    /// Returns a date that was read, as the styles ask for.
    static func styled(_ date: PSDate, _ styles: Set<String>, isZoned: Bool, isUTC: Bool) -> PSDate {
        guard isZoned else {
            switch (styles.contains("assumeuniversal"), styles.contains("adjusttouniversal")) {
            case (true, true): return PSDate(ticks: date.ticks, kind: .utc)
            case (true, false): return PSDate(ticks: date.ticks, kind: .utc).asLocal
            default: return styles.contains("assumelocal") ? PSDate(ticks: date.ticks, kind: .local) : date
            }
        }
        let isUniversal = styles.contains("adjusttouniversal") || styles.contains("roundtripkind") && isUTC
        return isUniversal ? date.asUniversal : date.asLocal
    }

    /// Reads a date by one of several patterns; in every culture if the pattern has no names.
    private static func parsedExactly(_ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard case .string(let text) = arguments[0], arguments[2].isNull || PSCulture.name(of: arguments[2]) != nil,
            let styles = styles(arguments.count == 4 ? arguments[3] : nil)
        else { return nil }
        let isOne = arguments[2].isNull || PSCulture.isOne(arguments[2])
        let trimmed =
            styles.contains { $0.hasPrefix("allow") }
            ? String(decoding: Array(text.utf8).trimmingBlanks(), as: UTF8.self) : text
        for format in Cmdlets.list(arguments[1].plain).map(\.text) {
            guard isOne || !format.contains("MMM") && !format.contains("ddd") && !format.contains("/") else {
                return nil
            }
            if let found = try ExactDate.read(trimmed, as: format) {
                let isUTC = trimmed.lowercased().hasSuffix("z")
                return .date(styled(found, styles, isZoned: found.kind != .unspecified, isUTC: isUTC))
            }
        }
        throw Readings.failure(
            "ParseExact", arguments.count, "String '\(text)' was not recognized as a valid DateTime.")
    }

    // MARK: Methods of values

    /// Calls a method of a value; `nil` for other values and names.
    static func call(_ target: PSValue, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (target, method, arguments.count) {
        case (.date(let date), "isdaylightsavingtime", 0):
            let ahead = date.asLocal.ticks - date.asUniversal.ticks
            return .bool(date.kind != .utc && ahead != PSZone.standardOffset)
        case (.date(let date), "tostring", 1):
            guard let culture = PSCulture.name(of: arguments[0]) else { return nil }
            return PSCulture.text(date, "G", culture: culture).map { .string($0) }
        case (.date, "addmonths", 1), (.date, "addyears", 1):
            if case .int = arguments[0] { return nil }
            return try Methods.call(target, method, [try Conversion.argument(arguments[0], to: .int)])
        case (.date, _, 1) where method.hasPrefix("add") && method != "add" && method != "addticks":
            switch arguments[0] {
            case .int, .double: return nil
            default: return try Methods.call(target, method, [try Conversion.argument(arguments[0], to: .double)])
            }
        case (.string(let text), "getenumerator", 0): return .array(text.utf16.map { .char($0) })
        case (.string(let text), "chars", 1), (.string(let text), "get_chars", 1):
            guard case .int(let place) = arguments[0], let unit = TextUnits(text)[Int(place)] else { return nil }
            return .char(unit)
        case (.string(let text), "indexofany", 1):
            let wanted = Set(Cmdlets.list(arguments[0].plain).flatMap { Array($0.text.utf16) })
            return .int(Int32(Array(text.utf16).firstIndex(where: wanted.contains) ?? -1))
        case (.string, "trim", 1), (.string, "trimstart", 1), (.string, "trimend", 1):
            guard case .array(let marks) = arguments[0].plain else { return nil }
            return try Methods.call(target, method, [.string(marks.map(\.text).joined())])
        case (.string, "startswith", 3), (.string, "endswith", 3):
            guard case .bool(let ignoresCase) = arguments[1] else { return nil }
            let rule = PSValue.string(ignoresCase ? "InvariantCultureIgnoreCase" : "InvariantCulture")
            return try Methods.call(target, method, [arguments[0], rule])
        case (.array(let items), "getvalue", 1), (.array(let items), "get", 1):
            guard case .int(let place) = arguments[0], items.indices.contains(Int(place)) else { return nil }
            return items[Int(place)]
        case (.array(let items), "getlength", 1): return .int(Int32(truncatingIfNeeded: items.count))
        case (.table(let table), "set_item", 2):
            guard PSTable.accepts(arguments[0]) else { return nil }
            table.set(arguments[0], arguments[1])
            return .nothing
        default: return nil
        }
    }
}
