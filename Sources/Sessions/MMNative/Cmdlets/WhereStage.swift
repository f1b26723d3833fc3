import PowerShellSyntax

/// `Where-Object`.
final class WhereStage: Stage {
    private let test: (PSValue) throws(Interrupt) -> Bool
    private let isBlock: Bool

    private init(isBlock: Bool = false, _ test: @escaping (PSValue) throws(Interrupt) -> Bool) {
        self.test = test
        self.isBlock = isBlock
    }

    private static let operators: [String: BinaryOperator] = [
        "EQ": .ieq, "NE": .ine, "GT": .igt, "GE": .ige, "LT": .ilt, "LE": .ile, "Like": .ilike, "NotLike": .inotlike,
        "Match": .imatch, "NotMatch": .inotmatch, "Contains": .icontains, "NotContains": .inotcontains, "In": .iin,
        "NotIn": .inotin, "CEQ": .ceq, "CNE": .cne, "CGT": .cgt, "CGE": .cge, "CLT": .clt, "CLE": .cle,
        "CLike": .clike, "CNotLike": .cnotlike, "CMatch": .cmatch, "CNotMatch": .cnotmatch, "CContains": .ccontains,
        "CNotContains": .cnotcontains, "CIn": .cin, "CNotIn": .cnotin, "Is": .is, "IsNot": .isNot,
    ]

    /// Creates the stage of a bound command: a block, a property with an operator, or a property alone.
    static func make(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) -> WhereStage {
        let set = command.names.filter { operators[$0] != nil || $0 == "Not" }
        if case .block(let block)? = command["FilterScript"] ?? command["Property"] {
            guard set.isEmpty, command["Value"] == nil else { throw .handOver("an unusual Where-Object") }
            return WhereStage(isBlock: true) { (item) throws(Interrupt) in
                try evaluator.result(of: block, on: item).isTrue
            }
        }
        if command["Property"] == nil, command["FilterScript"] == nil, set.isEmpty {
            let id = command.specification.errorID("MissingMandatoryParameter")
            throw .statement(NativeError(id, "A mandatory parameter is missing: Property or FilterScript."))
        }
        guard case .string(let name)? = command["Property"], command["FilterScript"] == nil else {
            throw .handOver("an unusual Where-Object")
        }
        guard !Wildcard.isPattern(name), Collation.isCertain(name) else { throw .handOver("a property by pattern") }
        guard let written = set.first else {
            guard command["Value"] == nil else { throw .handOver("an unusual Where-Object") }
            return WhereStage { (item) throws(Interrupt) in try Cmdlets.property(item, name)?.isTrue ?? false }
        }
        guard set.count == 1, command.isSet(written) else { throw .handOver("an unusual Where-Object") }
        if written == "Not" {
            guard command["Value"] == nil else { throw .handOver("an unusual Where-Object") }
            return WhereStage { (item) throws(Interrupt) in try !(Cmdlets.property(item, name)?.isTrue ?? false) }
        }
        guard let op = operators[written] else { throw .handOver("an unusual Where-Object") }
        guard var value = command["Value"] else {
            let message = "The specified operator requires both the -Property and -Value parameters."
            let id = command.specification.errorID("ValueNotSpecifiedForWhereObject")
            throw .statement(NativeError(id, message))
        }
        if op == .is || op == .isNot {
            guard case .string(let text) = value, text.hasPrefix("["), text.hasSuffix("]"),
                let type = PSType(written: String(text.dropFirst().dropLast()))
            else {
                guard case .type = value else { throw .handOver("a type test") }
                return WhereStage { (item) throws(Interrupt) in
                    try evaluator.apply(op, try Cmdlets.property(item, name) ?? .null, value).isTrue
                }
            }
            value = .type(type)
        }
        let right = value
        return WhereStage { (item) throws(Interrupt) in
            try evaluator.apply(op, try Cmdlets.property(item, name) ?? .null, right).isTrue
        }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        let passes: Bool
        do throws(Interrupt) {
            passes = try test(item)
        } catch {
            guard case .statement(let record) = error else { throw error }
            guard isBlock else { throw .handOver("an error in a filter") }
            throw .statement(record.leaving("WhereObjectCommand"))
        }
        if passes { try next(item) }
    }
}
