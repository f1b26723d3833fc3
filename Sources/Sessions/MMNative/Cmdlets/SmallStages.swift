import MMCore
import PowerShellSyntax

/// `Write-Warning` and `Write-Error`.
final class MessageStage: Stage {
    private let evaluator: Evaluator
    private let isError: Bool
    private let isSilent: Bool
    private let category: String?
    private let id: String
    /// The message; `nil` if the messages come from the pipeline.
    private var text: String?

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        let name = command.specification.name
        isError = name == "Write-Error"
        var known: Set = ["Message"]
        if evaluator.onlyReads { known.formUnion(Self.details + ["WarningAction"]) }
        guard command.names.isSubset(of: known) else { throw .handOver("an unusual \(name)") }
        isSilent = ["silentlycontinue", "ignore"].contains(command["WarningAction"]?.text.lowercased() ?? "")
        category = command["Category"]?.text
        if let written = command["ErrorId"]?.text {
            id = written
        } else if case .object(let exception)? = command["Exception"] {
            id = exception.typeName
        } else {
            id = "Microsoft.PowerShell.Commands.WriteErrorException"
        }
        var message = command["Message"]
        for case .object(let source)? in [command["Exception"], command["ErrorRecord"]] where message == nil {
            message = ErrorRecords.message(of: .object(source)).map { .string($0) } ?? source["Message"]
        }
        text = try message.map { (value) throws(Interrupt) in try Self.text(value, evaluator) }
        guard text != nil || evaluator.onlyReads else { throw .handOver("an unusual message") }
    }

    /// The parameters of `Write-Error` besides its message. What it says of the category in its own words isn't kept.
    private static let details = [
        "Category", "ErrorId", "TargetObject", "Exception", "ErrorRecord", "RecommendedAction",
    ]

    private static func text(_ value: PSValue, _ evaluator: Evaluator) throws(Interrupt) -> String {
        switch value {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .null, .nothing: throw .handOver("a message that is $null")
        // An error record that is passed on becomes its message, as everywhere that text is expected.
        case .object(let record) where record.typeName == ErrorRecords.type:
            return try PSText.string(.object(record))
        default:
            guard evaluator.onlyReads else { throw .handOver("an unusual message") }
            return try PSText.string(value)
        }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        guard evaluator.onlyReads else { throw .handOver("a message within a pipeline") }
        try tell(try Self.text(item, evaluator))
        text = nil
    }

    override func finish() throws(Interrupt) {
        guard let message = text else { return }
        text = nil
        try tell(message)
    }

    private func tell(_ message: String) throws(Interrupt) {
        if isError {
            // A function that calls the command is its origin.
            let caller = evaluator.functionName ?? ""
            let id = caller.isEmpty ? id : "\(id),\(caller)"
            try report(NativeError(id, message, category: category, isReadable: true))
        } else if !isSilent {
            evaluator.warn(message)
        }
    }
}

/// `Get-Unique`: drops objects that equal their predecessor.
final class UniqueStage: Stage {
    private let ignoresCase: Bool
    private let comparesTexts: Bool
    private let comparesTypes: Bool
    private var last: PSValue?

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        ignoresCase = command.isSet("CaseInsensitive")
        comparesTexts = command.isSet("AsString")
        comparesTypes = command.isSet("OnType")
        guard !comparesTexts || !comparesTypes else {
            let id = command.specification.errorID("AmbiguousParameterSet")
            throw .statement(NativeError(id, "Parameter set cannot be resolved."))
        }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { throw .handOver("Get-Unique over nothing") }
        if let last, try same(item, last) { return }
        last = item
        try next(item)
    }

    private func same(_ item: PSValue, _ last: PSValue) throws(Interrupt) -> Bool {
        if comparesTypes {
            if case .object(let one) = item, case .object(let other) = last { return one.typeName == other.typeName }
            return item.typeName == last.typeName
        }
        guard comparesTexts else {
            return try KeyOrder.compare(item, last, ignoringCase: ignoresCase, isDescending: false) == 0
        }
        return try Collation.compare(try PSText.string(item), try PSText.string(last), ignoringCase: ignoresCase) == 0
    }
}

/// `Measure-Command`: measures how long a block takes. The block's output is dropped; its variables are kept.
final class TimingStage: Stage {
    private let evaluator: Evaluator
    private let block: PSBlock

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        guard command.names == ["Expression"], case .block(let block)? = command["Expression"] else {
            throw .handOver("an unusual Measure-Command")
        }
        (self.evaluator, self.block) = (evaluator, block)
    }

    override func process(_ item: PSValue) throws(Interrupt) { throw .handOver("a measurement within a pipeline") }

    override func finish() throws(Interrupt) {
        let clock = ContinuousClock()
        let start = clock.now
        try evaluator.run(block, on: nil) { (_) throws(Interrupt) in }
        let taken = (clock.now - start).components
        try next(.span(taken.seconds * 10_000_000 + taken.attoseconds / 100_000_000_000))
    }
}

/// `Get-Date`: the current date or a given one, also of the pipeline.
final class DateStage: Stage {
    private let command: BoundCommand
    private let onlyReads: Bool
    private let date: PSDate
    private let format: String?
    private let unixFormat: String?

    /// The parts of a date that parameters can replace, from the largest to the smallest.
    private static let parts = ["Year", "Month", "Day", "Hour", "Minute", "Second", "Millisecond"]

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        let known = ["Date", "Format", "AsUTC", "UFormat", "UnixTimeSeconds"] + (evaluator.onlyReads ? Self.parts : [])
        // A format decides the text alone, and a date with its time is what is shown without a hint.
        let isPlain =
            command["Format"] != nil || command["DisplayHint"].map { $0.text.lowercased() == "datetime" } ?? true
        guard command.names.isSubset(of: isPlain ? known + ["DisplayHint"] : known) else {
            throw .handOver("an unusual Get-Date")
        }
        (self.command, onlyReads) = (command, evaluator.onlyReads)
        var date = PSZone.now
        if let given = command["Date"] { date = try Self.date(given, command, onlyReads) }
        if let seconds = command["UnixTimeSeconds"] {
            guard command["Date"] == nil, case .long(let count) = try Conversion.cast(seconds, to: .long),
                let given = PSDate.epoch.moved(by: count.multipliedReportingOverflow(by: PSSpan.second).partialValue),
                count.magnitude < 200_000_000_000
            else { throw .handOver("an unusual Get-Date") }
            date = given.asLocal
        }
        if command.isSet("AsUTC") {
            guard command["Date"] == nil, command["UnixTimeSeconds"] == nil else {
                throw .handOver("an unusual Get-Date")
            }
            date = date.asUniversal
        }
        self.date = try Self.replacing(command, in: date)
        switch command["Format"] {
        case nil: format = nil
        case .string(let text)?: format = text
        default: throw .handOver("an unusual Get-Date")
        }
        switch command["UFormat"] {
        case nil: unixFormat = nil
        case .string(let text)? where format == nil: unixFormat = text
        default: throw .handOver("an unusual Get-Date")
        }
    }

    /// Returns the date that a value is.
    private static func date(
        _ value: PSValue, _ command: BoundCommand, _ onlyReads: Bool
    ) throws(Interrupt) -> PSDate {
        switch value {
        case .null, .nothing: throw .statement(command.nullArgument("Date"))
        case .date(let given): return given
        case .string(let text):
            guard let given = PSDate(certain: text) ?? (onlyReads ? DateText.today(text) : nil) else {
                throw .handOver("a date in an uncertain form")
            }
            return given
        default: throw .handOver("an unusual Get-Date")
        }
    }

    /// Replaces the parts that are given; a day beyond the end of its month falls into the next one.
    private static func replacing(_ command: BoundCommand, in date: PSDate) throws(Interrupt) -> PSDate {
        var given: [String: Int] = [:]
        for name in parts where command[name] != nil {
            guard let number = command.count(name), number >= 0 else { throw .handOver("an unusual Get-Date") }
            given[name] = number
        }
        guard !given.isEmpty else { return date }
        let at = date.parts
        let (year, month) = (given["Year"] ?? at.year, given["Month"] ?? at.month)
        guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(given["Day"] ?? 1),
            given["Hour"] ?? 0 < 24, given["Minute"] ?? 0 < 60, given["Second"] ?? 0 < 60,
            given["Millisecond"] ?? 0 < 1000
        else { throw .handOver("an unusual Get-Date") }
        let day = min(at.day, PSDate.days(in: month, of: year))
        let start = PSDate(
            year, month, day, given["Hour"] ?? at.hour, given["Minute"] ?? at.minute, given["Second"] ?? at.second,
            fraction: given["Millisecond"].map { Int64($0) * 10_000 } ?? Int64(at.fraction), kind: date.kind)
        guard let made = start?.moved(by: Int64((given["Day"] ?? day) - day) * PSSpan.day) else {
            throw .handOver("a date out of range")
        }
        return made
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        guard !["Date", "UnixTimeSeconds", "AsUTC"].contains(where: { command[$0] != nil }), !item.isNull else {
            throw .handOver("an unusual Get-Date")
        }
        try show(Self.replacing(command, in: Self.date(item, command, onlyReads)))
    }

    override func finish() throws(Interrupt) {
        if !isPiped { try show(date) }
    }

    private func show(_ date: PSDate) throws(Interrupt) {
        if let unixFormat { return try next(.string(UnixFormat.text(date, unixFormat))) }
        guard let format else { return try next(.date(date)) }
        let names = ["filedatetime": "yyyyMMdd'T'HHmmssffff", "filedate": "yyyyMMdd"]
        let isUniversal = format.lowercased().hasSuffix("universal")
        let pattern = names[isUniversal ? String(format.lowercased().dropLast(9)) : format.lowercased()]
        if let pattern, let text = (isUniversal ? date.asUniversal : date).formatted(pattern) {
            return try next(.string(isUniversal ? text + "Z" : text))
        }
        guard let text = date.formatted(format) else { throw .handOver("a culture-dependent date format") }
        try next(.string(text))
    }
}

/// `Write-Host`: shows a line to the person.
final class HostStage: Stage {
    private let evaluator: Evaluator
    private let text: String
    private let endsLine: Bool
    private var isDone = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        endsLine = !command.isSet("NoNewline")
        let known: Set<String> = ["Object", "Separator", "ForegroundColor", "BackgroundColor", "NoNewline"]
        guard command.names.isSubset(of: known) else { throw .handOver("an unusual Write-Host") }
        for name in ["ForegroundColor", "BackgroundColor"] {
            try HostStage.check(command[name], name, command.specification)
        }
        var separator = " "
        switch command["Separator"] {
        case nil: break
        case .string(let text)?: separator = text
        default: throw .handOver("an unusual Write-Host")
        }
        var items: [PSValue] = []
        for value in [command["Object"]].compactMap(\.self) + command.rest { items += Cmdlets.list(value) }
        var walk = ValueWalk()
        text = try Self.text(of: items, separator, &walk)
    }

    /// Returns the text of objects; a list among them is separated in the same way.
    private static func text(
        of items: [PSValue], _ separator: String, _ walk: inout ValueWalk
    ) throws(Interrupt) -> String {
        var texts: [String] = []
        for item in items {
            guard walk.enter() else { throw .handOver("showing values nested deeply") }
            defer { walk.leave() }
            switch item {
            case .array(let inner): texts.append(try Self.text(of: inner, separator, &walk))
            case .list(let list): texts.append(try Self.text(of: list.items, separator, &walk))
            case .null, .nothing: texts.append("")
            case .string, .byte, .int, .long, .bool, .char, .decimal, .date, .guid, .enumeration, .span, .version:
                texts.append(try PSText.string(item))
            case .double(let number): texts.append(PSText.long(number))
            case .single(let number): texts.append(PSText.long(number))
            case .object: texts.append(try PSText.string(item))
            default: throw .handOver("showing \(item.typeName)")
            }
        }
        return try StepBound.joined(texts, separator)
    }

    /// Refuses a text that names no color. The color itself makes no difference here: only the text is shown.
    private static func check(
        _ color: PSValue?, _ parameter: String, _ command: CommandSpecification
    ) throws(Interrupt) {
        switch color {
        case nil, .enumeration?, .int?: return
        case .string(let text)?:
            let kind = PSEnum.Kind.consoleColor
            guard PSEnum(kind, reading: text) == nil else { return }
            throw .statement(
                NativeError(
                    command.errorID("CannotConvertArgumentNoMessage"),
                    "Cannot bind parameter '\(parameter)'. \(EnumMembers.failure(.string(text), kind).message)",
                    category: "InvalidArgument"))
        default: throw .handOver("an unusual color")
        }
    }

    private var piped: [String] = []

    override func process(_ item: PSValue) throws(Interrupt) { piped.append(try PSText.string(item)) }

    override func finish() throws(Interrupt) {
        guard !isDone else { return }
        isDone = true
        if !piped.isEmpty, text.isEmpty {
            for line in piped { evaluator.say(line, endsLine: endsLine) }
            return
        }
        evaluator.say(text, endsLine: endsLine)
    }
}

/// `Write-Verbose` and `Write-Debug`, whose messages aren't shown by default.
final class RemarkStage: Stage {
    private let evaluator: Evaluator
    private let stream: RedirectionStream
    private let text: String
    private let action: String?
    private var isDone = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        let name = String(command.specification.name.dropFirst("Write-".utf8.count))
        stream = name == "Debug" ? .debug : .verbose
        text = try PSText.string(command["Message"] ?? .null)
        action = if case .bool(let flag)? = command[name] { flag ? "continue" : "silentlycontinue" } else { nil }
    }

    override func process(_ item: PSValue) throws(Interrupt) { throw .handOver("a message within a pipeline") }

    override func finish() throws(Interrupt) {
        guard !isDone else { return }
        isDone = true
        evaluator.remark(text, on: stream, action)
    }
}

/// `Write-Progress`: reports progress to the waiting caller; it is never part of the output.
final class ProgressStage: Stage {
    private let text: String
    private let evaluator: Evaluator

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        let last = Int(Int32.max)
        for (name, range) in [("PercentComplete", -1...100), ("Id", 0...last), ("ParentId", -1...last)] {
            guard let value = command[name], let number = Self.whole(value), !range.contains(number) else {
                continue
            }
            let isLow = number < range.lowerBound
            let fault = ParameterCheck.faultOfRange(
                "\(number)", isLow: isLow, bound: "\(isLow ? range.lowerBound : range.upperBound)")
            throw .statement(command.refusedArgument(name, fault))
        }
        text =
            command.isSet("Completed")
            ? ""
            : ["Activity", "Status"].compactMap { command[$0]?.text }.filter { !$0.isEmpty }.joined(separator: ": ")
    }

    /// Returns the number that a value is converted to; `nil` if it isn't one.
    private static func whole(_ value: PSValue) -> Int? {
        guard case .int(let number)? = try? Conversion.cast(value.plain, to: .int) else { return nil }
        return Int(number)
    }

    override func process(_ item: PSValue) throws(Interrupt) { throw .handOver("a message within a pipeline") }

    override func finish() throws(Interrupt) { if !text.isEmpty { evaluator.host?.show(text) } }
}

/// `New-TimeSpan`: a length of time, or the time between two dates.
final class SpanStage: Stage {
    private let ticks: Int64
    private let end: PSDate?
    /// Whether it takes the beginnings of spans from the pipeline.
    private let takesStarts: Bool
    private var isDone = false

    init(_ command: BoundCommand) throws(Interrupt) {
        let units: [(String, Int64)] = [
            ("Days", PSSpan.day), ("Hours", PSSpan.hour), ("Minutes", PSSpan.minute), ("Seconds", PSSpan.second),
            ("Milliseconds", 10_000),
        ]
        func date(_ name: String) throws(Interrupt) -> PSDate? {
            switch command[name] {
            case nil: return nil
            case .date(let date)?: return date
            case .string(let text)?:
                guard let date = PSDate(certain: text) else { throw .handOver("a date in an uncertain form") }
                return date
            case .null?, .nothing?:
                throw .statement(
                    NativeError(
                        command.specification.errorID("ParameterBindingFailed"),
                        "Cannot bind parameter '\(name)' to the target. Exception setting \"\(name)\": \"Cannot convert null to type "
                            + "\"System.DateTime\".\"", category: "WriteError", isReadable: true))
            default: throw .handOver("an unusual New-TimeSpan")
            }
        }
        let (start, end) = (try date("Start"), try date("End"))
        var parts: [(Int64, Int64)] = []
        for (name, unit) in units {
            guard let value = command[name] else { continue }
            guard case .int(let number) = value, start == nil, end == nil else {
                throw .handOver("an unusual New-TimeSpan")
            }
            parts.append((Int64(number), unit))
        }
        let now = PSZone.now
        ticks =
            start != nil || end != nil ? (end ?? now).ticks - (start ?? now).ticks : try PSSpan.sum(parts)
        self.end = end
        takesStarts = command.names.isSubset(of: ["End"])
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        var given = item
        if case .object(let object) = item, let written = object["LastWriteTime"] ?? object["Start"] { given = written }
        if case .string(let text) = given, let date = PSDate(certain: text) { given = .date(date) }
        guard takesStarts, case .date(let start) = given else { throw .handOver("New-TimeSpan within a pipeline") }
        isDone = true
        try next(.span((end ?? PSZone.now).ticks - start.ticks))
    }

    override func finish() throws(Interrupt) {
        guard !isDone else { return }
        isDone = true
        try next(.span(ticks))
    }
}

/// `New-Object` of lists, and of custom objects with the properties of an ordered table.
final class ObjectStage: Stage {
    private let value: PSValue
    private var isDone = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        value = try Self.made(command, evaluator)
    }

    private static func made(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) -> PSValue {
        if let component = command["ComObject"], evaluator.host != nil {
            return try WindowsComponent.made(try PSText.string(component), of: command.specification)
        }
        guard case .string(let name)? = command["TypeName"] else { throw .handOver("an unusual New-Object") }
        let named = evaluator.scriptTypes.named(name)
        switch named {
        case .own(.class(let type))?: return try made(type, command, evaluator)
        case .collection(let collection, let element)? where command.names == ["TypeName"]:
            guard let kind = collection.listKind else { throw .handOver("New-Object of \(name)") }
            return try PSList.made(kind, [], of: element)
        case .own?, .collection?: throw .handOver("New-Object of \(name)")
        case .known?, nil: break
        }
        if objects.contains(name.lowercased()) { return try custom(command, evaluator) }
        guard command.names.isSubset(of: ["TypeName", "ArgumentList"]) else {
            throw .handOver("New-Object of \(name)")
        }
        let arguments = command["ArgumentList"].map { Cmdlets.list($0.plain) }
        return try made(named?.known, name, arguments, evaluator)
    }

    /// Makes an object that has only the properties it is given.
    private static func custom(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) -> PSValue {
        if command.names == ["TypeName"], let object = PSObject([]) { return .object(object) }
        guard command.names == ["TypeName", "Property"], case .table(let table)? = command["Property"] else {
            throw .handOver("an unusual New-Object")
        }
        guard table.hasOrder(orAny: evaluator.host != nil),
            let object = PSObject(table.pairs)
        else {
            throw .handOver("a hashtable without a defined order")
        }
        return .object(object)
    }

    /// Makes an object of one of .NET's types.
    /// - Parameter arguments: the arguments of its constructor; `nil` if the script gives none.
    private static func made(
        _ type: PSType?, _ name: String, _ arguments: [PSValue]?, _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        let words = arguments ?? []
        if arguments != nil, let type {
            if type == .array || type.isTypedArray { return try Evaluator.newArray(of: type, words.first ?? .null) }
            if let exception = type.exceptionName, ExceptionType.isPlain(exception) {
                guard words.count == 1, case .string(let text) = words[0] else {
                    throw .handOver("an unusual exception")
                }
                return ErrorRecords.exception(exception, text)
            }
        }
        switch type {
        case .regex? where arguments != nil:
            guard case .string(let pattern)? = words.first, words.count <= 2 else {
                throw .handOver("an unusual regular expression")
            }
            return try RegexObjects.made(pattern, options: words.count == 2 ? words[1] : nil)
        case .stopwatch? where arguments == nil: return PSStopwatch.made(isRunning: false)
        case .choice?: return try HostInterface.choice(words)
        case .xml? where arguments == nil: return .object(try XMLNode.made(XMLNode.documentType, "#document"))
        case .sortedtable? where words.isEmpty, .dictionary? where words.count <= 1,
            .concurrenttable? where words.count <= 1, .orderedtable? where words.count <= 1:
            let countsCase = words.first.map { TextComparer.countsCase($0) } ?? true
            guard let countsCase, let kind = type?.tableKind else { throw .handOver("New-Object of \(name)") }
            return .table(PSTable(kind, countsCase: countsCase).typed(as: name, evaluator.scriptTypes))
        case .builder?: return try TextBuilder.made(words)
        case .credential?: return try SecureText.credential(words)
        case .principal? where words.count == 1: return try MachineRights.made(words[0])
        default: break
        }
        if arguments == nil, ["hashtable", "system.collections.hashtable"].contains(name.lowercased()) {
            // Unlike `@{}`, its keys are case-sensitive.
            return .table(PSTable(.hashtable, countsCase: true))
        }
        if FileDialog.isOne(name), words.isEmpty, evaluator.host != nil { return FileDialog.made(name) }
        if arguments == nil, let kind = type?.listKind { return .list(PSList(kind)) }
        // An object of another type is made as its static method `new` makes it.
        let others: Set<PSType> = [.datatable, .datacolumn, .fileinfo, .utf8encoding, .random]
        guard let type, others.contains(type) || evaluator.onlyReads else {
            throw .handOver("New-Object of \(name)")
        }
        return try Statics.call(type, "new", words, in: evaluator)
    }

    /// The lower-case names of the types whose objects have only the properties that they are given.
    private static let objects: Set<String> = [
        "psobject", "pscustomobject", "object", "system.object", "system.management.automation.psobject",
    ]

    /// Returns the reason why a written `New-Object` can't be run, which its type alone shows; `nil` if there is none.
    static func misfit(_ node: CommandSyntax, of command: CommandSpecification, _ types: ScriptTypes) -> String? {
        guard command.name == "New-Object" else { return nil }
        let words = node.words
        for pair in command.binder.pairs(words.map(\.argument)) {
            let isType = pair.written == nil ? pair.word == 0 : pair.candidates.first == 0
            guard isType, case .string(let name)? = words[pair.value ?? pair.word].expression else { continue }
            let isKnown =
                types.named(name.value) != nil || objects.contains(name.value.lowercased())
                || FileDialog.isOne(name.value)
            return isKnown ? nil : "New-Object of \(name.value)"
        }
        return nil
    }

    /// Makes an object of a class that the script declares, with the properties that a table names.
    private static func made(
        _ type: OwnClass, _ command: BoundCommand, _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        guard command.names.isSubset(of: ["TypeName", "ArgumentList", "Property"]) else {
            throw .handOver("New-Object of \(type.name)")
        }
        let made = try evaluator.made(type, Cmdlets.list(command["ArgumentList"]?.plain))
        guard let properties = command["Property"] else { return made }
        guard case .table(let table) = properties, case .object(let object) = made else {
            throw .handOver("New-Object of \(type.name)")
        }
        for (name, value) in table.pairs { try evaluator.set(name, of: object, type, to: value) }
        return made
    }

    override func process(_ item: PSValue) throws(Interrupt) { throw .handOver("New-Object within a pipeline") }

    override func finish() throws(Interrupt) {
        guard !isDone else { return }
        isDone = true
        try next(value)
    }
}

/// `Get-Date -UFormat`: dates in Unix format letters.
enum UnixFormat {
    private static let patterns: [Character: String] = [
        "Y": "yyyy", "y": "yy", "m": "MM", "d": "dd", "H": "HH", "M": "mm", "S": "ss", "B": "MMMM", "b": "MMM",
        "h": "MMM", "A": "dddd", "a": "ddd", "I": "hh", "p": "tt", "F": "yyyy'-'MM'-'dd", "T": "HH':'mm':'ss",
        "R": "HH':'mm", "D": "MM'/'dd'/'yy", "x": "MM'/'dd'/'yy", "X": "HH':'mm':'ss", "r": "hh':'mm':'ss tt",
        "c": "ddd dd MMM yyyy HH':'mm':'ss", "Z": "zz",
    ]

    /// Returns the week of a date and the year that the week belongs to (ISO 8601): that of its Thursday.
    private static func week(of date: PSDate) -> (year: Int, number: Int) {
        let fromMonday = Int64((date.weekday + 6) % 7)
        guard let thursday = date.moved(by: (3 - fromMonday) * PSSpan.day) else { return (date.parts.year, 1) }
        return (thursday.parts.year, (dayOfYear(thursday) - 1) / 7 + 1)
    }

    private static func dayOfYear(_ date: PSDate) -> Int {
        let start = PSDate(date.parts.year, 1, 1)?.ticks ?? 0
        return Int((date.ticks - start) / PSSpan.day) + 1
    }

    private static func blank(_ number: Int) -> String { number < 10 ? " \(number)" : String(number) }

    /// Formats a date.
    static func text(_ date: PSDate, _ format: String) throws(Interrupt) -> String {
        var text = ""
        var rest = format.hasPrefix("+") ? format.dropFirst() : format[...]
        while let character = rest.popFirst() {
            // What is written becomes a format of .NET's, where braces mean something.
            guard !"{}".contains(character) else { throw .handOver("braces in -UFormat") }
            guard character == "%" else {
                text.append(character)
                continue
            }
            guard let letter = rest.popFirst() else { throw .handOver("an unusual -UFormat") }
            switch letter {
            case "%": text += "%"
            case "n": text += "\n"
            case "t": text += "\t"
            case "j": text += PSDate.padded(dayOfYear(date), 3)
            case "u": text += String(date.weekday == 0 ? 7 : date.weekday)
            case "w": text += String(date.weekday)
            case "V": text += PSDate.padded(week(of: date).number, 2)
            case "G": text += PSDate.padded(week(of: date).year, 4)
            case "g": text += PSDate.padded(week(of: date).year % 100, 2)
            case "U", "W": text += String(dayOfYear(date) / 7)
            case "C": text += String(date.parts.year / 100)
            case "e": text += blank(date.parts.day)
            case "k": text += blank(date.parts.hour)
            case "l": text += blank((date.parts.hour + 11) % 12 + 1)
            case "s":
                // Fractions are rounded.
                let ticks = date.asUniversal.ticks - PSDate.epoch.ticks
                text += String((ticks + (ticks < 0 ? -1 : 1) * PSSpan.second / 2) / PSSpan.second)
            default:
                guard let pattern = patterns[letter] else {
                    text.append(letter)
                    continue
                }
                // .NET would read a one-letter pattern as a standard format.
                guard let piece = date.formatted(pattern.count == 1 ? "%" + pattern : pattern)
                else { throw .handOver("an unusual -UFormat") }
                text += piece
            }
        }
        return text
    }
}
