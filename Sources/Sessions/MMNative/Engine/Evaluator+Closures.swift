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
        // Only the variables of the running scope are kept.
        if let outer = frames.last {
            for item in ScriptFacts(of: script).items {
                guard case .variable(let path, _) = item.detail, block.syntax.extent.start <= item.extent.start,
                    item.extent.end <= block.syntax.extent.end
                else { continue }
                let name = path.name.lowercased()
                guard outer[name] == nil || variables.own[name] != nil else {
                    throw .handOver("a closure over variables outside")
                }
            }
        }
        var closure = block
        closure.kept = variables.own
        return .block(closure)
    }
}
