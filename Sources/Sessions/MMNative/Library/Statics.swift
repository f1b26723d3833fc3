import Glibc
import MMCore
import PowerShellSyntax

/// The supported static members of types.
enum Statics {
    /// Returns `[type]::name`.
    /// - Parameter onlyReads: whether the script changes nothing, so that members may be used that weren't recorded.
    static func property(_ type: PSType, _ name: String, onlyReads: Bool = false) throws(Interrupt) -> PSValue {
        if let known = LibraryTypes.property(type, name) ?? SystemTypes.property(type, name) { return known }
        if onlyReads, let known = ReportTypes.property(type, name) { return known }
        switch (type, name.lowercased()) {
        case (.int, "maxvalue"): return .int(.max)
        case (.int, "minvalue"): return .int(.min)
        case (.long, "maxvalue"): return .long(.max)
        case (.long, "minvalue"): return .long(.min)
        case (.byte, "maxvalue"): return .byte(.max)
        case (.byte, "minvalue"): return .byte(.min)
        case (.decimal, "maxvalue"), (.decimal, "minvalue"):
            let sign = name.lowercased() == "minvalue" ? "-" : ""
            return try Conversion.cast(.string(sign + "79228162514264337593543950335"), to: .decimal)
        case (.decimal, "zero"), (.decimal, "one"):
            return .decimal(PSDecimal(name.lowercased() == "zero" ? 0 : 1))
        case (.double, "maxvalue"): return .double(.greatestFiniteMagnitude)
        case (.double, "minvalue"): return .double(-.greatestFiniteMagnitude)
        case (.double, "nan"): return .double(.nan)
        case (.double, "positiveinfinity"): return .double(.infinity)
        case (.double, "negativeinfinity"): return .double(-.infinity)
        case (.string, "empty"): return .string("")
        case (.math, "pi"): return .double(.pi)
        case (.math, "e"): return .double(M_E)
        case (.guid, "empty"): return .guid("00000000-0000-0000-0000-000000000000")
        case (.timespan, "zero"): return .span(0)
        case (.datetime, "now"): return .date(PSZone.now)
        case (.datetime, "utcnow"): return .date(PSZone.now.asUniversal)
        case (.datetime, "today"):
            let now = PSZone.now
            return .date(PSDate(ticks: now.ticks - now.ticks % PSSpan.day, kind: .local))
        case (.datetime, "minvalue"): return .date(PSDate(ticks: 0, kind: .unspecified))
        case (.datetime, "maxvalue"): return .date(PSDate(ticks: 3_155_378_975_999_999_999, kind: .unspecified))
        case (.comparer, let rule):
            guard let comparer = TextComparer.named(rule) else { throw .handOver("a comparer of a culture") }
            return comparer
        case (.role, let role): return .string(role)
        default:
            guard let value = PSEnum.Kind.of(type).flatMap({ PSEnum($0, named: name) }) else {
                throw .handOver("the member \(name) of \(type.rawValue)")
            }
            return .enumeration(value)
        }
    }

    /// The characters of `Membership.GeneratePassword`: letters and digits, and others.
    private static let (letters, marks) = (
        Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf16),
        Array("!@#$%^&*()_-+=[{]};:>|./?".utf16)
    )

    /// Returns a random password of a length with at least some characters that are neither letters nor digits.
    private static func password(_ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        guard arguments.count == 2, case .int(let length) = arguments[0], case .int(let least) = arguments[1],
            (1...128).contains(length), (0...length).contains(least)
        else { throw .handOver("an unusual password") }
        var units = (0..<least).compactMap { _ in marks.randomElement() }
        units += (least..<length).compactMap { _ in (letters + marks).randomElement() }
        return .string(String(decoding: units.shuffled(), as: UTF16.self))
    }

    /// Evaluates `[type]::name(arguments)`.
    static func call(
        _ type: PSType, _ name: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        let method = name.lowercased()
        if let kind = type.listKind {
            guard method == "new", arguments.count <= 2 else { throw .handOver("the method \(name) of a list") }
            return try PSList.made(kind, arguments)
        }
        if type == .anyenum {
            let kind: PSEnum.Kind? =
                switch arguments.first {
                case .ownType(.enumeration(let own))?: own
                case .type(let known)?: PSEnum.Kind.of(known)
                case .string(let name)?: PSEnum.Kind.of(named: name, in: evaluator.scriptTypes)
                default: nil
                }
            if let kind { return try EnumMembers.listed(kind, method, Array(arguments.dropFirst())) }
        }
        if evaluator.onlyReads, let answer = try ReportTypes.call(type, method, arguments, in: evaluator) {
            return answer
        }
        if let made = try made(type, method, arguments) { return made }
        if let exception = type.exceptionName, method == "new", arguments.count == 1, ExceptionType.isPlain(exception) {
            return ErrorRecords.exception(exception, try PSText.string(arguments[0]))
        }
        if type == .array || type.isTypedArray, method == "new", arguments.count == 1 {
            return try Evaluator.newArray(of: type, arguments[0])
        }
        if type == .array, let answer = try Evaluator.lookedUp(method, arguments) { return answer }
        if let answer = try LibraryTypes.call(type, method, arguments) { return answer }
        if let answer = try SystemTypes.call(type, method, arguments, in: evaluator) { return answer }
        if type == .choice, method == "new" { return try HostInterface.choice(arguments) }
        if type == .xml, method == "new", arguments.isEmpty {
            return .object(try XMLNode.made(XMLNode.documentType, "#document"))
        }
        switch type {
        case .math: return try math(method, try numbers(arguments, of: name))
        case .decimal where ["round", "floor", "ceiling", "truncate"].contains(method):
            let number = try Conversion.argument(arguments.first ?? .null, to: .decimal)
            return try math(method, [number] + arguments.dropFirst())
        case .version where method == "new" && !arguments.isEmpty:
            var parts: [String] = []
            for argument in arguments { parts.append(try PSText.string(argument)) }
            return try Conversion.argument(.string(parts.joined(separator: ".")), to: .version)
        case .string: return try text(method, arguments)
        case .webtext, .webutility:
            return .string(try WebText.call(method, arguments, writesUpperCase: type == .webutility))
        case .membership where method == "generatepassword": return try password(arguments)
        case .regex: return try regex(method, arguments, evaluator)
        case .timespan:
            if method == "new" { return .span(try PSSpan.made(arguments)) }
            let units: [String: Int64] = [
                "fromdays": PSSpan.day, "fromhours": PSSpan.hour, "fromminutes": PSSpan.minute,
                "fromseconds": PSSpan.second, "frommilliseconds": 10_000, "fromticks": 1,
            ]
            if let unit = units[method], arguments.count == 1, let number = Comparison.double(arguments[0]) {
                let ticks = number * Double(unit)
                guard ticks.isFinite, ticks.magnitude < 9e18 else { throw .handOver("a long time") }
                // .NET drops parts of a tick.
                return .span(Int64(ticks))
            }
        case .datetime:
            if method == "daysinmonth", arguments.count == 2, case .int(let year) = arguments[0],
                case .int(let month) = arguments[1], (1...9999).contains(year), (1...12).contains(month)
            {
                return .int(Int32(PSDate.days(in: Int(month), of: Int(year))))
            }
            if method == "compare", arguments.count == 2, case .date(let first) = arguments[0],
                case .date(let second) = arguments[1]
            {
                return .int(first.ticks < second.ticks ? -1 : first.ticks > second.ticks ? 1 : 0)
            }
            if method == "specifykind", arguments.count == 2, case .date(let date) = arguments[0],
                let kind = try kind(arguments[1])
            {
                return .date(PSDate(ticks: date.ticks, kind: kind))
            }
            if method == "new", arguments.count == 1, case .long(let ticks) = arguments[0],
                let date = PSDate(ticks: 0, kind: .unspecified).moved(by: ticks)
            {
                return .date(date)
            }
            if method == "isleapyear", arguments.count == 1, case .int(let year) = arguments[0],
                (1...9999).contains(year)
            {
                return .bool(PSDate.days(in: 2, of: Int(year)) == 29)
            }
            if method == "new", arguments.count == 7, case .int(let part) = arguments[6], (0...999).contains(part),
                case .date(let date) = try call(type, name, Array(arguments.dropLast()), in: evaluator)
            {
                return .date(PSDate(ticks: date.ticks + Int64(part) * 10_000, kind: .unspecified))
            }
            if method == "new", arguments.count == 7, let kind = try kind(arguments[6]),
                case .date(let date) = try call(type, name, Array(arguments.dropLast()), in: evaluator)
            {
                return .date(PSDate(ticks: date.ticks, kind: kind))
            }
            if method == "new", (3...6).contains(arguments.count) {
                var numbers: [Int] = []
                for argument in arguments { if case .int(let number) = argument { numbers.append(Int(number)) } }
                numbers += Array(repeating: 0, count: 6 - arguments.count)
                guard numbers.count == 6, arguments.count == 3 || arguments.count == 6,
                    let date = PSDate(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
                else { throw .handOver("an unusual date") }
                return .date(date)
            }
        default: break
        }
        if type == .guid, method == "newguid", arguments.isEmpty { return .guid(RandomBytes.uuid()) }
        if let read = try Readings.parsed(type, method, arguments) { return read }
        throw .handOver("the method \(name) of \(type.rawValue)")
    }

    /// Returns the kind of a date that a name means; `nil` for other values.
    private static func kind(_ value: PSValue) throws(Interrupt) -> PSDate.Kind? {
        guard case .enumeration(let own)? = try? Conversion.enumeration(value, .dateTimeKind) else { return nil }
        let kinds: [PSDate.Kind] = [.unspecified, .utc, .local]
        return kinds.indices.contains(Int(own.value)) ? kinds[Int(own.value)] : nil
    }

    /// Creates an object of a library type; `nil` for other calls.
    private static func made(
        _ type: PSType, _ method: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue? {
        switch (type, method, arguments.count) {
        case (.string, "new", 2):
            // A text of one character repeated.
            guard case .char(let unit) = try Conversion.argument(arguments[0], to: .char) else { return nil }
            let count = try StepBound.count(arguments[1], "a long repetition")
            return .string(String(decoding: Array(repeating: unit, count: count), as: UTF16.self))
        case (.builder, "new", 0...1): return try TextBuilder.made(arguments)
        case (.datatable, "new", _): return try DataTable.made(arguments)
        case (.datacolumn, "new", _): return try DataTable.column(arguments)
        case (.fileinfo, "new", 1): return try FileReference.made(of: arguments[0])
        case (.sortedtable, "new", 0): return .table(PSTable(.sorted, countsCase: true))
        case (.dictionary, "new", 0...1), (.concurrenttable, "new", 0...1), (.hashtable, "new", 0...1),
            (.orderedtable, "new", 0...1):
            switch arguments.first {
            // The number of places to keep ready.
            case .int?: return type.tableKind.map { .table(PSTable($0, countsCase: true)) }
            case .table(let table)?:
                let copy = type.tableKind.map { PSTable($0, countsCase: true) }
                for (key, value) in table.entries { copy?.set(key, value) }
                return copy.map { .table($0) }
            default: break
            }
            guard let countsCase = arguments.isEmpty ? true : TextComparer.countsCase(arguments[0]) else { return nil }
            return type.tableKind.map { .table(PSTable($0, countsCase: countsCase)) }
        case (.hashtable, "synchronized", 1):
            guard case .table = arguments[0] else { return nil }
            return arguments[0]
        case (.identity, "getcurrent", 0): return MachineRights.current
        case (.principal, "new", 1): return try MachineRights.made(arguments[0])
        case (.char, _, 1): return try character(method, arguments[0])
        default: return nil
        }
    }

    /// Calls a function of one character.
    private static func character(_ method: String, _ value: PSValue) throws(Interrupt) -> PSValue? {
        guard case .char(let unit) = try Conversion.argument(value, to: .char), unit < 0x80 else { return nil }
        let isLetter = (0x61...0x7A).contains(unit | 0x20)
        let isDigit = (0x30...0x39).contains(unit)
        switch method {
        case "isdigit", "isnumber": return .bool(isDigit)
        case "isletter": return .bool(isLetter)
        case "isletterordigit": return .bool(isLetter || isDigit)
        case "isupper": return .bool(isLetter && unit & 0x20 == 0)
        case "islower": return .bool(isLetter && unit & 0x20 != 0)
        case "iswhitespace": return .bool(TextMethods.isBlank(unit))
        case "toupper", "toupperinvariant": return .char(isLetter ? unit & ~0x20 : unit)
        case "tolower", "tolowerinvariant": return .char(isLetter ? unit | 0x20 : unit)
        case "tostring": return .string(try PSText.string(.char(unit)))
        default: return nil
        }
    }

    /// The functions with an overload for each type of numbers, among which a value of another type chooses none.
    private static let overloaded: Set<String> = ["round", "floor", "ceiling", "truncate", "sign", "abs"]

    /// The names of the first parameters that .NET doesn't call `value`, by function.
    private static let parameters = ["floor": "d", "ceiling": "a", "sqrt": "d", "truncate": "d"]

    private static func parameter(of name: String, _ count: Int) -> String {
        parameters[name.lowercased()] ?? (count == 1 && name.lowercased() == "round" ? "a" : "value")
    }

    /// Returns the arguments of a numeric function; singles become doubles, and a text as the first argument does too.
    private static func numbers(_ given: [PSValue], of name: String) throws(Interrupt) -> [PSValue] {
        var arguments: [PSValue] = []
        let isOverloaded = overloaded.contains(name.lowercased())
        for value in given {
            switch value {
            case .byte where isOverloaded && arguments.isEmpty, .enumeration where isOverloaded && arguments.isEmpty,
                .single where name.lowercased() == "abs":
                throw .handOver("a function of \(value.typeName)")
            case .single(let number): arguments.append(.double(Double(number)))
            case .enumeration(let own) where arguments.isEmpty: arguments.append(.int(own.value))
            case .string where arguments.isEmpty && isOverloaded, _ where name.lowercased() == "sqrt" && !value.isNull:
                guard let number = try Conversion.converted(value, to: .double) else {
                    throw .statement(
                        try Conversion.failure(
                            ofArgument: value, named: parameter(of: name, given.count), of: name, to: .double))
                }
                arguments.append(number)
            case .bool where isOverloaded && arguments.isEmpty, .date where isOverloaded && arguments.isEmpty:
                throw .statement(
                    NativeError(
                        "MethodCountCouldNotFindBest",
                        "Multiple ambiguous overloads found for \"\(name)\" and the argument count: \"\(given.count)\".",
                        isReadable: true))
            case .array where isOverloaded && arguments.isEmpty, .span where isOverloaded && arguments.isEmpty,
                .object where isOverloaded && arguments.isEmpty:
                if case .object(let object) = value, !object.isCustom { throw .handOver("a function of an object") }
                throw .statement(
                    NativeError(
                        "MethodCountCouldNotFindBest",
                        "Cannot find an overload for \"\(name)\" and the argument count: \"\(given.count)\".",
                        isReadable: true))
            default: arguments.append(value)
            }
        }
        return arguments
    }

    private static func math(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        func double(_ place: Int) throws(Interrupt) -> Double {
            if arguments.indices.contains(place), arguments[place].isNull { return 0 }
            guard arguments.indices.contains(place), let number = Comparison.double(arguments[place]) else {
                throw .handOver("a function of \(arguments.isEmpty ? "nothing" : "other than numbers")")
            }
            return number
        }
        let hasDecimal = arguments.contains { if case .decimal = $0 { true } else { false } }
        switch (method, arguments.count) {
        case ("abs", 1):
            switch arguments[0] {
            case .int(let number) where number > .min: return .int(abs(number))
            case .long(let number) where number > .min: return .long(abs(number))
            case .double(let number): return .double(number.magnitude)
            case .decimal(let number): return .decimal(number.isNegative ? number.negated ?? number : number)
            default: throw .handOver("an unusual Abs")
            }
        case ("max", 2), ("min", 2):
            guard arguments.allSatisfy(Comparison.isNumber), !hasDecimal else {
                throw .handOver("an unusual \(method)")
            }
            let (left, right) = (arguments[0], arguments[1])
            let order = try Comparison.order(left, right)
            let pick = (method == "max") == (order >= 0) ? left : right
            switch (left, right) {
            case (.int, .int): return pick
            case (.int, .long), (.long, .int), (.long, .long): return try Conversion.cast(pick, to: .long)
            case (.double, .double): return pick
            // .NET's choice of an overload for an integer next to a double depends on more than these two arguments.
            default: throw .handOver("an unusual \(method)")
            }
        case ("round", 1...3):
            if case .decimal(let number) = arguments[0] {
                var places = 0
                if arguments.count == 2, case .int(let given) = arguments[1], (0...28).contains(given) {
                    places = Int(given)
                } else if arguments.count > 1 {
                    throw .handOver("an unusual Round")
                }
                guard let rounded = number.rounded(places) else { throw .handOver("an unusual Round") }
                return .decimal(rounded)
            }
            // Integers use the overload for decimals.
            if let whole = wholeDecimal(arguments[0]) {
                // No rounding rule changes an integer.
                guard arguments.count == 1 || arguments.count <= 3 && isPlaces(arguments[1]) else {
                    throw .handOver("an unusual Round")
                }
                return whole
            }
            return .double(try round(try double(0), Array(arguments.dropFirst())))
        case ("floor", 1), ("ceiling", 1), ("truncate", 1):
            let rule: FloatingPointRoundingRule = method == "floor" ? .down : method == "ceiling" ? .up : .towardZero
            // For integers .NET has only the overload for decimals.
            if let whole = wholeDecimal(arguments[0]) { return whole }
            if case .decimal(let number) = arguments[0], let rounded = number.rounded(0, rule) {
                return .decimal(rounded)
            }
            return .double(try double(0).rounded(rule))
        case ("log", 2) where !hasDecimal:
            let (number, base) = (try double(0), try double(1))
            // Other bases have results of their own.
            guard base > 0, base != 1 else { throw .handOver("an unusual Log") }
            return .double(Glibc.log(number) / Glibc.log(base))
        case ("atan2", 2) where !hasDecimal: return .double(Glibc.atan2(try double(0), try double(1)))
        case ("bigmul", 2):
            guard case .int(let one) = arguments[0], case .int(let other) = arguments[1] else { break }
            return .long(Int64(one) * Int64(other))
        case ("clamp", 3):
            guard case .int(let number) = arguments[0], case .int(let low) = arguments[1],
                case .int(let high) = arguments[2], low <= high
            else { break }
            return .int(min(max(number, low), high))
        case ("pow", 2) where !hasDecimal: return .double(Glibc.pow(try double(0), try double(1)))
        case ("sign", 1) where !hasDecimal:
            let number = try double(0)
            guard !number.isNaN else { throw .handOver("the sign of NaN") }
            return .int(number < 0 ? -1 : number > 0 ? 1 : 0)
        case (_, 1) where !hasDecimal:
            if let function = functions[method] { return .double(function(try double(0))) }
        default: break
        }
        throw .handOver("the function \(method)")
    }

    /// The functions of a double. On Linux .NET calls those of the C library, too.
    private static let functions: [String: @Sendable (Double) -> Double] = [
        "log": Glibc.log, "log2": Glibc.log2, "log10": Glibc.log10, "exp": Glibc.exp, "sqrt": Glibc.sqrt,
        "cbrt": Glibc.cbrt, "sin": Glibc.sin, "cos": Glibc.cos, "tan": Glibc.tan, "asin": Glibc.asin,
        "acos": Glibc.acos, "atan": Glibc.atan, "sinh": Glibc.sinh, "cosh": Glibc.cosh, "tanh": Glibc.tanh,
    ]

    private static func wholeDecimal(_ value: PSValue) -> PSValue? {
        switch value {
        case .int(let number): .decimal(PSDecimal(Int64(number)))
        case .long(let number): .decimal(PSDecimal(number))
        default: nil
        }
    }

    private static func isPlaces(_ value: PSValue) -> Bool {
        if case .int(let places) = value { (0...28).contains(places) } else { false }
    }

    private static func round(_ number: Double, _ rest: [PSValue]) throws(Interrupt) -> Double {
        var places = 0
        var rule = FloatingPointRoundingRule.toNearestOrEven
        for (place, argument) in rest.enumerated() {
            switch argument {
            case .int(let given) where place == 0 && (0...15).contains(given): places = Int(given)
            case .string(let name) where place == rest.count - 1: rule = try Self.rule(name)
            case .enumeration(let own) where own.kind == .midpointRounding && place == rest.count - 1:
                rule = try Self.rule(own.name)
            default: throw .handOver("an unusual Round")
            }
        }
        // Numbers from here on are whole, or none.
        guard number.magnitude < 1e16 else { return number }
        if places == 0 { return number.rounded(rule) }
        var power = 1.0
        for _ in 0..<places { power *= 10 }
        return (number * power).rounded(rule) / power
    }

    private static func rule(_ name: String) throws(Interrupt) -> FloatingPointRoundingRule {
        switch name.lowercased() {
        case "awayfromzero": .toNearestOrAwayFromZero
        case "toeven": .toNearestOrEven
        case "tozero": .towardZero
        case "tonegativeinfinity": .down
        case "topositiveinfinity": .up
        default: throw .handOver("an unusual Round")
        }
    }

    private static func text(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        func plain(_ value: PSValue) throws(Interrupt) -> String {
            switch value {
            case .double(let number): return PSText.long(number)
            case .single(let number): return PSText.long(number)
            case .array, .table, .object, .block: throw .handOver("a text of \(value.typeName)")
            default: return try PSText.string(value)
            }
        }
        switch (method, arguments.count) {
        case ("isnullorempty", 1), ("isnullorwhitespace", 1):
            switch arguments[0] {
            case .null: return .bool(true)
            case .string(let text):
                guard method == "isnullorwhitespace" else { return .bool(text.isEmpty) }
                return .bool(text.utf16.allSatisfy(TextMethods.isBlank))
            default: return .bool(try PSText.string(arguments[0]).isEmpty)
            }
        case ("join", 2...):
            guard case .string(let separator) = arguments[0], arguments.count > 2 || !arguments[1].isNull else {
                throw .handOver("an unusual Join")
            }
            var items = Array(arguments.dropFirst())
            if items.count == 1, case .array(let inner) = items[0] { items = inner }
            var texts: [String] = []
            for item in items { texts.append(try plain(item)) }
            return .string(try StepBound.joined(texts, separator))
        case ("format", 3...) where PSCulture.name(of: arguments[0]) != nil:
            guard case .string(let template) = arguments[1] else { throw .handOver("an unusual Format") }
            var items = Array(arguments.dropFirst(2))
            if items.count == 1, case .array(let inner) = items[0] { items = inner }
            return .string(
                try TextOperators.format(template, items, culture: PSCulture.name(of: arguments[0]) ?? ""))
        case ("format", 2...):
            guard case .string(let template) = arguments[0] else { throw .handOver("an unusual Format") }
            var items = Array(arguments.dropFirst())
            if items.count == 1, case .array(let inner) = items[0] { items = inner }
            return .string(try TextOperators.format(template, items))
        case ("equals", 2), ("equals", 3), ("compare", 2), ("compare", 3):
            guard case .string(let left) = arguments[0], case .string(let right) = arguments[1] else {
                throw .handOver("a comparison of other than texts")
            }
            if method == "equals" {
                if arguments.count == 2 { return .bool(left.utf8.elementsEqual(right.utf8)) }
                guard let answer = try TextMethods.compared(left, "equals", [.string(right), arguments[2]]) else {
                    break
                }
                return answer
            }
            if arguments.count == 2 {
                return .int(Int32(try Collation.compare(left, right, ignoringCase: false).signum()))
            }
            guard case .bool(let ignoresCase) = arguments[2] else { break }
            return .int(Int32(try Collation.compare(left, right, ignoringCase: ignoresCase).signum()))
        case ("concat", 2...):
            var texts: [String] = []
            for item in arguments { texts.append(try plain(item)) }
            return .string(try StepBound.joined(texts))
        default: break
        }
        throw .handOver("the method \(method) of texts")
    }

    private static func regex(
        _ method: String, _ arguments: [PSValue], _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        if let answer = try RegexObjects.call(method, arguments, in: evaluator) { return answer }
        switch (method, arguments.first) {
        case ("escape", let value?) where arguments.count == 1: return .string(try escaped(try PSText.string(value)))
        case ("new", .string(let text)?) where arguments.count <= 2:
            return try RegexObjects.made(text, options: arguments.count == 2 ? arguments[1] : nil)
        default: throw .handOver("the method \(method) of regular expressions")
        }
    }

    /// Returns a pattern that matches only this text.
    static func escaped(_ text: String) throws(Interrupt) -> String {
        guard text.isASCII else { throw .handOver("escaping text beyond ASCII") }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "*", "+", "?", "|", "{", "[", "(", ")", "^", "$", ".", "#", " ":
                escaped += "\\"
                escaped.unicodeScalars.append(scalar)
            case "\t": escaped += "\\t"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\u{C}": escaped += "\\f"
            case "\u{B}": escaped += "\\v"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// `[System.Web.HttpUtility]` and `[System.Net.WebUtility]`: encoding of text for web pages, and decoding.
enum WebText {
    /// Calls a method.
    /// - Parameter writesUpperCase: whether the codes of an address have letters in upper case, as those of
    ///   `WebUtility` do.
    static func call(
        _ method: String, _ arguments: [PSValue], writesUpperCase: Bool
    ) throws(Interrupt) -> String {
        guard arguments.count == 1 else { throw .handOver("an unusual text for pages") }
        let text: String
        switch arguments[0] {
        // An argument of another type is converted as a cast to `[string]` converts it.
        case .string, .null, .bool, .int, .long, .double, .decimal, .date, .guid: text = try PSText.string(arguments[0])
        default: throw .handOver("an unusual text for pages")
        }
        switch method {
        case "htmldecode": return try decoded(text)
        case "htmlencode": return encoded(text)
        case "urlencode": return address(text, writesUpperCase)
        default: throw .handOver("the method \(method) of texts for pages")
        }
    }

    private static let names: [String: String] = [
        "lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'", "nbsp": "\u{A0}",
    ]

    /// Encodes a text for an address.
    private static func address(_ text: String, _ writesUpperCase: Bool) -> String {
        var written = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x21, 0x2A, 0x28, 0x29:
                written.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20: written += "+"
            default:
                written += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: writesUpperCase)
            }
        }
        return written
    }

    /// Encodes a text for an element as .NET does: the second half of Latin-1 and everything beyond the first plane by
    /// number.
    static func encoded(_ text: String) -> String {
        var written = ""
        for scalar in HTMLText.escaped(text).unicodeScalars {
            switch scalar.value {
            case 0xA0...0xFF, 0x10000...: written += "&#\(scalar.value);"
            default: written.unicodeScalars.append(scalar)
            }
        }
        return written
    }

    private static func decoded(_ text: String) throws(Interrupt) -> String {
        var decoded = ""
        var rest = text[...]
        while let mark = rest.firstIndex(of: "&") {
            decoded += rest[..<mark]
            let behind = rest[rest.index(after: mark)...]
            guard let end = behind.firstIndex(where: { $0 == ";" || $0 == "&" }), behind[end] == ";" else {
                decoded += "&"
                rest = behind
                continue
            }
            let name = behind[..<end]
            if let known = names[String(name)] {
                decoded += known
            } else if name.first == "#", let scalar = scalar(name.dropFirst()) {
                decoded.unicodeScalars.append(scalar)
            } else {
                guard !name.allSatisfy(\.isLetter) else { throw .handOver("a character of pages by name") }
                decoded += "&\(name);"
            }
            rest = behind[behind.index(after: end)...]
        }
        return decoded + rest
    }

    private static func scalar(_ digits: Substring) -> Unicode.Scalar? {
        let number = digits.first?.lowercased() == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return number.flatMap { $0 > 0 ? Unicode.Scalar($0) : nil }
    }
}
