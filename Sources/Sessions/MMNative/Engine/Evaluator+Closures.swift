import MMCore
import PowerShellSyntax

/// Blocks that keep the variables of the scope in which they were made.
extension Evaluator {
    /// Evaluates `$block.GetNewClosure()`: a block that is called sees what the variables of this scope hold now, and of others
    /// those of the script.
    func closure(of block: PSBlock) throws(Interrupt) -> PSValue {
        let text = block.text.lowercased()
        guard block.kept == nil, !text.contains("$script:"), !text.contains("$global:"), let script else {
            throw .handOver("an unusual closure")
        }
        // Of a function's variables those are kept that are its own. Which ones it has set itself isn't known.
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
