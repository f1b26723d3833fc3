import Glibc

extension Confinement {
    /// Returns the parts of these folders that may be visible: a folder as a whole where nothing in it is hidden,
    /// otherwise its entries beside the hidden ones.
    package static func visible(_ places: [String], without hidden: [String]) -> [String] {
        let secret = hidden.map { RealPath.of($0) ?? $0 }
        return places.flatMap { visible(RealPath.of($0) ?? $0, as: $0, secret) }
    }

    private static func visible(_ real: String, as place: String, _ secret: [String]) -> [String] {
        if secret.contains(where: { RealPath.lies(real, in: $0) }) { return [] }
        guard secret.contains(where: { RealPath.lies($0, in: real) }), let folder = opendir(real) else {
            return [place]
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            // The entry is only as long as its name: copying it as a whole value would read past its end.
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
                })
        }
        return names.sorted().filter { $0 != "." && $0 != ".." }.flatMap { name in
            visible(RealPath.of("\(real)/\(name)") ?? "\(real)/\(name)", as: "\(real)/\(name)", secret)
        }
    }
}
