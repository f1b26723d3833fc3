import PowerShellSyntax

/// `ForEach-Object -Parallel`. PowerShell runs the block for several objects at a time, each in a runspace of its own,
/// which has none of the script's variables and functions: only `$_`, and with `$using:` the values that the variables
/// outside have. Here one object follows the other, which is one of the orders that may occur.
final class ParallelStage: Stage {
    private let block: PSBlock
    private let evaluator: Evaluator

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        guard evaluator.onlyReads, case .block(let block)? = command["Parallel"],
            command.names.isSubset(of: ["Parallel", "ThrottleLimit", "TimeoutSeconds", "InputObject"])
        else { throw .handOver("an unusual ForEach-Object") }
        (self.block, self.evaluator) = (block, evaluator)
    }

    override func process(_ item: PSValue) throws(Interrupt) { try evaluator.runApart(block, on: item, into: next) }
}

extension Evaluator {
    /// Runs a block without the variables and functions of the script around it. An error that ends the block is
    /// reported, and ends nothing else.
    fileprivate func runApart(_ block: PSBlock, on item: PSValue, into sink: Sink) throws(Interrupt) {
        let outer = (variables, typed, frames, functions, tries)
        outside.append(variables)
        (variables, typed, frames, functions, tries) = (Scope(), TypedVariables(), [], [:], 0)
        defer {
            outside.removeLast()
            (variables, typed, frames, functions, tries) = outer
        }
        do throws(Interrupt) {
            try run(block, on: item, into: sink)
        } catch {
            switch error {
            case .statement(let record), .fatal(let record): try report(record, .goOn)
            default: throw error
            }
        }
    }

    /// Returns the value of `$using:name` and of its members.
    func sent(_ node: UsingExpressionSyntax) throws(Interrupt) -> PSValue {
        guard let outer = outside.last else { throw .handOver("$using: outside of a block that runs apart") }
        let own = variables
        variables = outer
        defer { variables = own }
        return try worth(of: node.expression)
    }
}
