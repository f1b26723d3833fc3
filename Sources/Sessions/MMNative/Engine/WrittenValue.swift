import PowerShellSyntax

/// The value of an argument. PowerShell keeps how a bare number was written, such as `007` or `1.50`, and shows it so
/// wherever the number becomes text.
struct WrittenValue {
    private let value: PSValue
    /// How a number was written, where its value alone has another text.
    private var spelling: String?

    init(_ value: PSValue) { self.value = value }

    /// Evaluates an argument.
    init(of expression: ExpressionSyntax, in evaluator: Evaluator) throws(Interrupt) {
        value = try evaluator.worth(of: expression)
        guard case .number(let node) = expression else { return }
        // A double counts with all its digits here, although its text has fewer.
        let usual = if case .double(let number) = value { PSText.long(number) } else { value.text }
        if node.text != usual { spelling = node.text }
    }

    /// The types to which a number is converted by its value alone.
    private static let numbers: Set<PSType> = [
        .int, .long, .double, .single, .decimal, .byte, .bool, .ints, .longs, .doubles, .bools, .bytes,
        .optionalint, .optionalbool, .optionallong, .optionaldouble, .optionaldecimal,
    ]

    /// Returns the value for a parameter of a type; `nil` for one that takes any value.
    func value(for type: PSType?) throws(Interrupt) -> PSValue {
        guard let spelling else { return value }
        switch type {
        case .string?, .texts?: return .string(spelling)
        case let type? where Self.numbers.contains(type): return value
        default: throw .handOver("the number \(spelling), which stays as it is written")
        }
    }
}
