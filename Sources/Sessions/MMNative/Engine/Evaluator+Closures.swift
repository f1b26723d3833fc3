import MMCore
import PowerShellSyntax

/// Blocks that keep the variables of the scope in which they were made.
extension Evaluator {
    /// Evaluates `$block.GetNewClosure()`. When the block is called, it sees this scope's variables with their current
    /// values, and otherwise the script's variables.
    func closure(of block: PSBlock) throws(Interrupt) -> PSValue {
        let text = block.text.lowercased()
        guard block.kept == nil, !text.contains("$script:"), !text.contains("$global:"), let script else {
            throw .handOver("an unusual closure")
        }
        // Only a function's own variables are kept, and it isn't known which of them the function has set itself.
        if let outer = frames.last {
            for item in ScriptFacts(of: script).items {
                guard case .variable(let path, _) = item.detail, block.syntax.extent.start <= item.extent.start,
                    item.extent.end <= block.syntax.extent.end
                else { continue }
                let name = path.name.lowercased()
                guard outer[name] == nil || given?[name] != nil else {
                    throw .handOver("a closure over variables outside")
                }
            }
        }
        var closure = block
        closure.kept = variables
        return .block(closure)
    }
}
