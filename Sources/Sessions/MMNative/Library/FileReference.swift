/// `[System.IO.FileInfo]'path'`: the parts of the path of a file, which need not exist.
///
/// What the file itself would tell, such as its length, isn't among them.
enum FileReference {
    private static let parts: Set<String> = ["Name", "FullName", "BaseName", "Extension", "DirectoryName", "Directory"]

    /// Converts a path; what Get-Item and Get-ChildItem returned stays as it is.
    static func made(of value: PSValue) throws(Interrupt) -> PSValue {
        if value.isNull { return .null }
        if case .object(let object) = value, object.typeName == PSObject.fileType { return value }
        guard case .string(let path) = value, let last = path.last, !"/\\:".contains(last),
            case .object(let file) = HostCommands.fileObject(path, size: 0, isFolder: false)
        else { throw .handOver("an unusual path of a file") }
        let pairs = zip(file.shape.names, file.values).filter { parts.contains($0.0) }.map { ($0, $1) }
        return PSObject(pairs, typeName: PSObject.fileType, isCustom: false).map { .object($0) } ?? .null
    }
}
