/// `Join-String`: joins the texts of objects, or the results of a property or block for each object.
final class JoinStage: Stage {
    private let evaluator: Evaluator
    private let property: CalculatedProperty?
    private let (separator, prefix, suffix, format): (String, String, String, String?)
    private let quote: String
    private var texts: [String] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        guard !command.isSet("UseCulture") else { throw .handOver("an unusual Join-String") }
        func text(_ name: String) throws(Interrupt) -> String? {
            guard let value = command[name] else { return nil }
            guard case .string(let text) = value else { throw .handOver("an unusual Join-String") }
            return text
        }
        self.evaluator = evaluator
        property = try command["Property"].map { (written) throws(Interrupt) in
            if case .table = written { throw .handOver("an unusual Join-String") }
            return try CalculatedProperty(written, of: command.specification, in: evaluator)
        }
        (separator, format) = (try text("Separator") ?? "", try text("FormatString"))
        (prefix, suffix) = (try text("OutputPrefix") ?? "", try text("OutputSuffix") ?? "")
        let quotes = [("SingleQuote", "'"), ("DoubleQuote", "\"")].filter { command.isSet($0.0) }.map(\.1)
        guard quotes.count + (format == nil ? 0 : 1) <= 1 else { throw .handOver("an unusual Join-String") }
        quote = quotes.first ?? ""
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return }
        if case .array(let items) = item.plain {
            for item in items { try join(item) }
        } else {
            try join(item)
        }
    }

    private func join(_ item: PSValue) throws(Interrupt) {
        var value = item
        if let property { value = try property.value(of: item, in: evaluator) ?? .null }
        guard !value.isNull || format == nil else { throw .handOver("Join-String of $null") }
        if case .array = value { throw .handOver("Join-String of lists") }
        let text: String
        if let format { text = try TextOperators.format(format, [value]) } else { text = try PSText.string(value) }
        texts.append(quote + text + quote)
    }

    override func finish() throws(Interrupt) {
        guard !texts.isEmpty else { throw .handOver("Join-String of nothing") }
        try next(.string(prefix + StepBound.joined(texts, separator) + suffix))
    }
}
