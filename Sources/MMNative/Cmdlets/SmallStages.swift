/// `Write-Warning` and `Write-Error`.
final class MessageStage: Stage {
    private let evaluator: Evaluator
    private let text: String
    private let isError: Bool
    private var isDone = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        isError = command.specification.name == "Write-Error"
        guard command.names == ["Message"] else { throw .handOver("an unusual \(command.specification.name)") }
        switch command["Message"] {
        case .string(let text)?: self.text = text
        case .int(let number)?: text = String(number)
        default: throw .handOver("an unusual message")
        }
    }

    override func process(_ item: PSValue) throws(Interrupt) { throw .handOver("a message within a pipeline") }

    override func finish() throws(Interrupt) {
        guard !isDone else { return }
        isDone = true
        if isError {
            try report(NativeError("Microsoft.PowerShell.Commands.WriteErrorException", text, isReadable: true))
        } else {
            evaluator.warn(text)
        }
    }
}

/// `Get-Unique`: drops objects that equal their predecessor.
final class UniqueStage: Stage {
    private let ignoresCase: Bool
    private var last: PSValue?

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        guard !command.isSet("AsString"), !command.isSet("OnType") else { throw .handOver("an unusual Get-Unique") }
        ignoresCase = command.isSet("CaseInsensitive")
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        switch item {
        case .string, .int, .long, .double, .bool, .decimal, .date: break
        default: throw .handOver("Get-Unique over \(item.typeName)")
        }
        if let last, try KeyOrder.compare(item, last, ignoringCase: ignoresCase, isDescending: false) == 0 { return }
        last = item
        try next(item)
    }
}

/// `Get-Date`: the current date or a given one.
final class DateStage: Stage {
    private let date: PSDate
    private let format: String?
    private var isDone = false

    init(_ command: BoundCommand) throws(Interrupt) {
        guard command.names.isSubset(of: ["Date", "Format", "AsUTC"]) else { throw .handOver("an unusual Get-Date") }
        var date = PSZone.now
        switch command["Date"] {
        case nil: break
        case .date(let given)?: date = given
        case .string(let text)?:
            guard let given = PSDate(certain: text) else { throw .handOver("a date in an uncertain form") }
            date = given
        default: throw .handOver("an unusual Get-Date")
        }
        if command.isSet("AsUTC") {
            guard command["Date"] == nil else { throw .handOver("an unusual Get-Date") }
            date = date.asUniversal
        }
        self.date = date
        switch command["Format"] {
        case nil: format = nil
        case .string(let text)?: format = text
        default: throw .handOver("an unusual Get-Date")
        }
    }

    override func process(_ item: PSValue) throws(Interrupt) { throw .handOver("Get-Date within a pipeline") }

    override func finish() throws(Interrupt) {
        guard !isDone else { return }
        isDone = true
        guard let format else { return try next(.date(date)) }
        guard let text = date.formatted(format) else { throw .handOver("a culture-dependent date format") }
        try next(.string(text))
    }
}
