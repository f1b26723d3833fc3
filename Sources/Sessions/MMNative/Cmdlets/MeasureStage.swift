/// `Measure-Object`.
final class MeasureStage: Stage {
    private struct Statistics {
        var count = 0
        var sum = 0.0
        var previous = 0.0
        var variance = 0.0
        var least = PSValue.null
        var most = PSValue.null
        var characters = 0
        var words = 0
        var lines = 0
    }

    private let specification: CommandSpecification
    private let evaluator: Evaluator
    private let properties: [CalculatedProperty]
    private let isText: Bool
    private let wantsSum: Bool
    private let wantsAverage: Bool
    private let wantsDeviation: Bool
    private let wantsMaximum: Bool
    private let wantsMinimum: Bool
    private let flags: Set<String>
    /// The statistics in the order in which their properties were first seen.
    private var statistics: [Statistics] = []
    private var names: [String] = []
    private var places: [String: Int] = [:]
    private var hasFailed = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        specification = command.specification
        var properties: [CalculatedProperty] = []
        for written in command.properties {
            // A property is a name or a block; a hashtable can't be converted to one.
            if case .table = written { throw Self.refused(command.specification) }
            properties.append(try CalculatedProperty(written, of: command.specification, in: evaluator))
        }
        self.properties = properties
        let flags = command.names.filter { command.isSet($0) && command.specification.switches.contains($0) }
        self.flags = flags
        let texts: Set<String> = ["Word", "Line", "Character", "IgnoreWhiteSpace"]
        isText = !flags.isDisjoint(with: texts)
        guard !isText || flags.isSubset(of: texts) else {
            throw .statement(
                NativeError(specification.errorID("AmbiguousParameterSet"), "Parameter set cannot be resolved."))
        }
        let all = flags.contains("AllStats")
        wantsSum = all || flags.contains("Sum")
        wantsAverage = all || flags.contains("Average")
        wantsDeviation = all || flags.contains("StandardDeviation")
        wantsMaximum = all || flags.contains("Maximum")
        wantsMinimum = all || flags.contains("Minimum")
        super.init()
        if properties.isEmpty { statistics = [Statistics()] }
    }

    private static func refused(_ specification: CommandSpecification) -> Interrupt {
        .statement(
            NativeError(
                specification.errorID("CannotConvertArgumentNoMessage"),
                "Cannot bind parameter 'Property'. Cannot convert the \"System.Collections.Hashtable\" value of type "
                    + "\"System.Collections.Hashtable\" to type \"Microsoft.PowerShell.Commands.PSPropertyExpression\".",
                category: "InvalidArgument", isReadable: true))
    }

    /// Returns the place of a property's statistics.
    private func place(of name: String) -> Int {
        if let known = places[name] { return known }
        let place = places[name.lowercased()] ?? statistics.count
        // A spelling that was seen before needs no folding.
        (places[name], places[name.lowercased()]) = (place, place)
        if place == statistics.count {
            names.append(name)
            statistics.append(Statistics())
        }
        return place
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return }
        if properties.isEmpty { return try measure(item, 0) }
        // A property that several arguments name counts once.
        var counted: Set<Int> = []
        for property in properties {
            switch property.source {
            case .name(let written):
                let place = place(of: written)
                guard let value = try evaluator.property(written, of: item) else { continue }
                if counted.insert(place).inserted { try measure(value, place) }
            case .block:
                let place = place(of: property.label ?? "")
                guard counted.insert(place).inserted else { continue }
                do throws(Interrupt) {
                    try measure(try property.value(of: item, in: evaluator) ?? .null, place)
                } catch {
                    // A block that fails counts as `$null`.
                    guard case .blockFailed = error else { throw error }
                    try measure(.null, place)
                }
            case .pattern(let pattern):
                guard case .object(let returned) = item, returned.isListable else {
                    throw .handOver("the properties of \(item.typeName)")
                }
                let object = returned.whole
                for (name, value) in zip(object.shape.names, object.values) where try pattern.matches(name) {
                    let place = place(of: name)
                    if counted.insert(place).inserted { try measure(value, place) }
                }
            }
        }
    }

    private func measure(_ value: PSValue, _ place: Int) throws(Interrupt) {
        statistics[place].count += 1
        if isText { try count(value, place) }
        if wantsSum || wantsAverage || wantsDeviation {
            guard let number = try MeasureStage.number(value) else {
                hasFailed = true
                return try report(
                    NativeError(
                        specification.errorID("NonNumericInputObject"),
                        "Input object \"\(try PSText.string(value))\" is not numeric."))
            }
            statistics[place].previous = statistics[place].sum
            statistics[place].sum += number
            let count = Double(statistics[place].count)
            if wantsDeviation, count > 1 {
                let average = statistics[place].previous / (count - 1)
                statistics[place].variance *= (count - 2) / (count - 1)
                statistics[place].variance += (number - average) * (number - average) / count
            }
        }
        if wantsMinimum {
            statistics[place].least = try MeasureStage.pick(value, statistics[place].least, isLeast: true)
        }
        if wantsMaximum {
            statistics[place].most = try MeasureStage.pick(value, statistics[place].most, isLeast: false)
        }
    }

    private func count(_ value: PSValue, _ place: Int) throws(Interrupt) {
        let text: String
        switch value {
        case .null, .nothing: text = ""
        case .string(let own): text = own
        case .byte, .int, .long, .bool, .char, .decimal, .span, .guid: text = try PSText.string(value)
        default: throw .handOver("the words of \(value.typeName)")
        }
        guard text.isASCII else { throw .handOver("counting text beyond ASCII") }
        var isBetween = true
        let ignoresBlanks = flags.contains("IgnoreWhiteSpace")
        for unit in text.utf8 {
            if !unit.isBlank || !ignoresBlanks { statistics[place].characters += 1 }
            if !unit.isBlank, isBetween { statistics[place].words += 1 }
            isBetween = unit.isBlank
            if unit == 10 { statistics[place].lines += 1 }
        }
        if let last = text.utf8.last, last != 10 { statistics[place].lines += 1 }
    }

    /// Returns a value as a double; `nil` when it certainly isn't a number.
    private static func number(_ value: PSValue) throws(Interrupt) -> Double? {
        switch value {
        case .byte, .int, .long, .double, .single, .decimal: return Comparison.double(value)
        case .null, .nothing, .bool, .string, .enumeration:
            guard case .double(let number)? = try Conversion.converted(value, to: .double) else { return nil }
            return number
        case .date, .span, .guid, .version, .array: return nil
        default: throw .handOver("measuring \(value.typeName)")
        }
    }

    /// Returns the smaller or larger of a value and the one found so far.
    private static func pick(_ value: PSValue, _ known: PSValue, isLeast: Bool) throws(Interrupt) -> PSValue {
        if known.isNull { return value }
        var current = value
        var other = known
        if !value.isNull, let number = try number(value) { current = .double(number) }
        if let number = try number(known) { other = .double(number) }
        if !current.isNull, current.typeName != other.typeName {
            current = .string(try PSText.string(current))
            other = .string(try PSText.string(other))
        }
        if case .array = other { throw .handOver("measuring a list") }
        let order = try Comparison.ordered(other, current, ignoringCase: false)
        return (isLeast ? order : -order) > 0 ? value : known
    }

    override func finish() throws(Interrupt) {
        for (place, statistic) in statistics.enumerated() {
            if !properties.isEmpty, statistic.count == 0 { continue }
            try next(try info(statistic, properties.isEmpty ? .null : .string(names[place])))
        }
    }

    private func info(_ statistic: Statistics, _ property: PSValue) throws(Interrupt) -> PSValue {
        func count(_ number: Int) -> PSValue { .int(Int32(truncatingIfNeeded: number)) }
        var pairs: [(String, PSValue)]
        var type = "Microsoft.PowerShell.Commands.GenericMeasureInfo"
        if isText {
            type = "Microsoft.PowerShell.Commands.TextMeasureInfo"
            pairs = [
                ("Lines", flags.contains("Line") ? count(statistic.lines) : .null),
                ("Words", flags.contains("Word") ? count(statistic.words) : .null),
                ("Characters", flags.contains("Character") ? count(statistic.characters) : .null),
            ]
        } else {
            var least = statistic.least
            var most = statistic.most
            let first = least.isNull ? 0 : try MeasureStage.number(least)
            let last = most.isNull ? 0 : try MeasureStage.number(most)
            if let first, let last {
                if !least.isNull { least = .double(first) }
                if !most.isNull { most = .double(last) }
            } else {
                type = "Microsoft.PowerShell.Commands.GenericObjectMeasureInfo"
            }
            let average = statistic.count > 0 ? PSValue.double(statistic.sum / Double(statistic.count)) : .null
            pairs = [
                ("Count", count(statistic.count)), ("Average", wantsAverage && !hasFailed ? average : .null),
                ("Sum", wantsSum && !hasFailed ? .double(statistic.sum) : .null), ("Maximum", most), ("Minimum", least),
                ("StandardDeviation", wantsDeviation && !hasFailed ? .double(statistic.variance.squareRoot()) : .null),
            ]
        }
        pairs.append(("Property", property))
        guard let info = PSObject(pairs, typeName: type, isCustom: false, isListable: true) else {
            throw .handOver("Measure-Object")
        }
        return .object(info)
    }
}
