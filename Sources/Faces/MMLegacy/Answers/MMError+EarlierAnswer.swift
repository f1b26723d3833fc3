import MMCore
import MMOperations

extension MMError {
    /// What the earlier servers answered where a PowerShell command put out errors alone: for them, it had been run.
    var earlierAnswer: OperationAnswer? {
        guard details["engine"] == "pwsh", details["errors"] != nil, let notes = details["notes"]?.array else {
            return nil
        }
        return OperationAnswer(.value(.array([])), notes: notes.compactMap(\.string))
    }
}
