import PowerShellSyntax

/// The condition of a parameter's attribute for its values, such as `[ValidateRange(1, 90)]`.
struct ParameterCheck {
    private enum Kind: String {
        case validateRange = "validaterange"
        case validateLength = "validatelength"
        case validateCount = "validatecount"
        case validatePattern = "validatepattern"
        case validateScript = "validatescript"
    }

    private let kind: Kind
    /// The attribute's arguments, which are evaluated when a value is checked.
    let arguments: [ExpressionSyntax]
    /// The script's own message, in which `{0}` stands for the value and `{1}` for the condition.
    private let message: ExpressionSyntax?

    /// Reads an attribute; `nil` if it isn't one of these.
    init?(_ node: AttributeSyntax) {
        var name = node.typeName.fullName.lowercased()
        if name.hasSuffix("attribute") { name.removeLast("attribute".count) }
        guard let kind = Kind(rawValue: name) else { return nil }
        let due = kind == .validatePattern || kind == .validateScript ? 1...1 : kind == .validateRange ? 1...2 : 2...2
        guard due.contains(node.positionalArguments.count) else { return nil }
        self.kind = kind
        arguments = node.positionalArguments
        message = node.namedArguments.first { $0.name.lowercased() == "errormessage" }?.argument
    }

    /// Returns the script's own message about a value, or the usual one.
    private func fault(
        _ item: PSValue, _ condition: String, _ evaluator: Evaluator, usual: String
    ) throws(Interrupt) -> String {
        guard let message else { return usual }
        return try TextOperators.format(PSText.string(evaluator.value(of: message)), [item, .string(condition)])
    }

    /// Returns why a value isn't accepted; `nil` if it is.
    func fault(of value: PSValue, in evaluator: Evaluator) throws(Interrupt) -> String? {
        switch kind {
        case .validateCount:
            let (least, most) = (try number(0, evaluator), try number(1, evaluator))
            let count: Int
            switch value.plain {
            case .null, .nothing: count = 0
            case .array(let items): count = items.count
            case .table(let table): count = table.count
            case .string(let text): count = text.utf16.count
            default:
                return
                    "The ValidateCount attribute cannot be applied to a non-array parameter. Either remove the attribute "
                    + "from the parameter or make the parameter an array parameter."
            }
            guard !(least...max(least, most)).contains(count) else { return nil }
            if least == most {
                return "The parameter requires exactly \(most) value(s) - \(count) value(s) were provided."
            }
            return
                "The parameter requires at least \(least) value(s) and no more than \(most) value(s) - \(count) value(s) "
                + "were provided."
        default:
            for item in Cmdlets.list(value.plain) {
                if let fault = try faultOfOne(item, evaluator) { return fault }
            }
            return nil
        }
    }

    private func faultOfOne(_ item: PSValue, _ evaluator: Evaluator) throws(Interrupt) -> String? {
        switch kind {
        case .validateRange: return try faultOfRange(item, evaluator)
        case .validateLength:
            let (least, most) = (try number(0, evaluator), try number(1, evaluator))
            let length = try PSText.string(item).utf16.count
            if length < least {
                return
                    "The character length (\(length)) of the argument is too short. Specify an argument with a length that "
                    + "is greater than or equal to \"\(least)\", and then try the command again."
            }
            guard length > most else { return nil }
            return
                "The character length of the \(length) argument is too long. Shorten the character length of the argument "
                + "so it is fewer than or equal to \"\(most)\" characters, and then try the command again."
        case .validatePattern:
            let text = try PSText.string(try evaluator.value(of: arguments[0]))
            let pattern = try evaluator.pattern(text, ignoringCase: true)
            guard try pattern.first(in: Array(PSText.string(item).utf8), for: evaluator) == nil else { return nil }
            return try fault(
                item, text, evaluator,
                usual: "The argument \"\(item.text)\" does not match the \"\(text)\" pattern. Supply an argument that "
                    + "matches \"\(text)\" and try the command again.")
        case .validateScript:
            guard case .block(let block) = try evaluator.value(of: arguments[0]) else {
                throw .handOver("an unusual check of a parameter")
            }
            let isAccepted = try evaluator.scoped { () throws(Interrupt) in
                try evaluator.result(of: block, on: item).isTrue
            }
            guard !isAccepted else { return nil }
            return try fault(
                item, block.text, evaluator,
                usual: "The \"\(block.text)\" validation script for the argument with value \"\(item.text)\" did not "
                    + "return a result of True. Determine why the validation script failed, and then try the command "
                    + "again.")
        case .validateCount: return nil
        }
    }

    private func faultOfRange(_ item: PSValue, _ evaluator: Evaluator) throws(Interrupt) -> String? {
        let first = try evaluator.value(of: arguments[0])
        guard Comparison.isNumber(item) else { throw .handOver("a range of other than numbers") }
        guard arguments.count == 2 else {
            let sign = try Comparison.order(item, .int(0))
            let (holds, wanted): (Bool, String)
            switch first.text.lowercased() {
            case "positive": (holds, wanted) = (sign > 0, "greater than zero")
            case "nonnegative": (holds, wanted) = (sign >= 0, "greater than or equal to zero")
            case "negative": (holds, wanted) = (sign < 0, "less than zero")
            case "nonpositive": (holds, wanted) = (sign <= 0, "less than or equal to zero")
            default: throw .handOver("an unusual range of a parameter")
            }
            return holds
                ? nil : "The argument \"\(item.text)\" cannot be validated because its value is not \(wanted)."
        }
        let last = try evaluator.value(of: arguments[1])
        guard Comparison.isNumber(first), Comparison.isNumber(last) else {
            throw .handOver("a range of other than numbers")
        }
        if try Comparison.order(item, first) < 0 {
            return Self.faultOfRange(item.text, isLow: true, bound: first.text)
        }
        guard try Comparison.order(item, last) > 0 else { return nil }
        return Self.faultOfRange(item.text, isLow: false, bound: last.text)
    }

    /// Returns PowerShell's words about a number below or above a range.
    static func faultOfRange(_ number: String, isLow: Bool, bound: String) -> String {
        let (relation, wanted) = isLow ? ("less than the minimum", "greater") : ("greater than the maximum", "less")
        return
            "The \(number) argument is \(relation) allowed range of \(bound). Supply an argument that is \(wanted) than or "
            + "equal to \(bound) and then try the command again."
    }

    private func number(_ place: Int, _ evaluator: Evaluator) throws(Interrupt) -> Int {
        guard case .int(let number) = try evaluator.value(of: arguments[place]), number >= 0 else {
            throw .handOver("an unusual check of a parameter")
        }
        return Int(number)
    }
}
