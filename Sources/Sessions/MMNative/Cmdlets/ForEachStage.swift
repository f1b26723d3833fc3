import PowerShellSyntax

/// `ForEach-Object`: blocks, or one member of each object.
final class ForEachStage: Stage {
    private let evaluator: Evaluator
    private let specification: CommandSpecification
    private var beginning: PSBlock?
    private var processing: [PSBlock] = []
    private var ending: PSBlock?
    private var member: String?
    private var arguments: [PSValue] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        specification = command.specification
        let known: Set<String> = ["Process", "Begin", "End", "MemberName", "ArgumentList", "InputObject"]
        guard command.names.isSubset(of: known) else { throw .handOver("an unusual ForEach-Object") }
        super.init()
        var blocks: [PSBlock] = []
        switch command["Process"] ?? command["MemberName"] {
        case .block(let block)?:
            blocks.append(block)
            for extra in [command["ArgumentList"]].compactMap(\.self) + command.rest {
                guard case .block(let block) = extra else { throw .handOver("an unusual ForEach-Object") }
                blocks.append(block)
            }
        case .string(let name)?:
            guard Collation.isCertain(name), !Wildcard.isPattern(name), command["Begin"] == nil, command["End"] == nil
            else {
                throw .handOver("a member by pattern")
            }
            member = name
            arguments = [command["ArgumentList"]].compactMap(\.self) + command.rest
            guard !arguments.contains(where: { if case .array = $0 { true } else { false } }) else {
                throw .handOver("a list of arguments")
            }
            return
        default: throw .handOver("an unusual ForEach-Object")
        }
        switch blocks.count {
        case 1: processing = blocks
        case 2, 3:
            guard command["Begin"] == nil, command["End"] == nil else { throw .handOver("an unusual ForEach-Object") }
            beginning = blocks[0]
            processing = [blocks[1]]
            ending = blocks.count == 3 ? blocks[2] : nil
        default: throw .handOver("an unusual ForEach-Object")
        }
        if let begin = command["Begin"] {
            guard case .block(let block) = begin else { throw .handOver("an unusual ForEach-Object") }
            beginning = block
        }
        if let end = command["End"] {
            guard case .block(let block) = end else { throw .handOver("an unusual ForEach-Object") }
            ending = block
        }
    }

    override func begin() throws(Interrupt) {
        if let beginning { try evaluator.run(beginning, on: nil, into: next) }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        guard let member else {
            do throws(Interrupt) {
                for block in processing { try evaluator.run(block, on: item, into: next) }
            } catch {
                if case .statement(let record) = error { throw .statement(record.leaving("ForEachObjectCommand")) }
                throw error
            }
            return
        }
        if item.isNull { return try next(.null) }
        if arguments.isEmpty, let value = try Cmdlets.property(item, member) {
            return try Evaluator.enumerate(value, into: next)
        }
        switch item {
        case .object(let object):
            guard object.isCustom, arguments.isEmpty, !ForEachStage.objectMethods.contains(member.lowercased()) else {
                throw .handOver("a method of an object")
            }
            try next(.null)
        default:
            do throws(Interrupt) {
                let result = try Methods.call(item, member, arguments)
                try Evaluator.enumerate(result, into: next)
            } catch {
                guard case .statement(let record) = error else { throw error }
                if record.id == "MethodNotFound" {
                    guard arguments.isEmpty else { throw .handOver("a method that doesn't exist") }
                    return try next(.null)
                }
                guard record.id == "ArgumentOutOfRangeException" else { throw error }
                try report(
                    NativeError(specification.errorID("MethodInvocationError"), record.message))
            }
        }
    }

    private static let objectMethods: Set<String> = ["tostring", "gettype", "equals", "gethashcode"]

    override func finish() throws(Interrupt) {
        if let ending { try evaluator.run(ending, on: nil, into: next) }
    }
}
