import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("Removing folders")
struct FolderTreeTests {
    @Test("everything in a folder is removed, whatever its permissions, and nothing behind a link")
    func whole() throws {
        let folder = try TestFolder()
        let (tree, kept) = ("\(folder.path)/tree", "\(folder.path)/kept")
        for place in ["\(tree)/a/b/c", "\(tree)/d", kept] { try ProtectedFile.makeDirectory(place) }
        for place in [tree, "\(tree)/a/b/c", kept] { try ProtectedFile.replace("\(place)/file", with: [1]) }
        for link in ["\(tree)/link", "\(tree)/a/b/link"] { try #require(symlink(kept, link) == 0) }
        for place in ["\(tree)/a/b/c", "\(tree)/a/b", "\(tree)/a"] { chmod(place, 0) }
        FolderTree.remove(tree)
        #expect(TestFolder.names(in: folder.path) == ["kept"])
        #expect(TestFolder.names(in: kept) == ["file"])
    }

    @Test("a tree of any depth is removed with few open folders and a small stack")
    func deep() throws {
        let folder = try TestFolder()
        try ProtectedFile.makeDirectory("\(folder.path)/tree")
        var inner = open("\(folder.path)/tree", O_RDONLY | O_DIRECTORY)
        for _ in 0..<5_000 {
            try #require(mkdirat(inner, "d", 0o700) == 0)
            let next = openat(inner, "d", O_RDONLY | O_DIRECTORY)
            close(inner)
            inner = next
        }
        close(inner)
        FolderTree.remove("\(folder.path)/tree")
        #expect(TestFolder.names(in: folder.path).isEmpty)
    }

    @Test("a file is removed, a link without its target, and a missing path isn't an error")
    func single() throws {
        let folder = try TestFolder()
        let (file, link) = ("\(folder.path)/file", "\(folder.path)/link")
        try ProtectedFile.replace(file, with: [1])
        try #require(symlink(file, link) == 0)
        FolderTree.remove(link)
        #expect(TestFolder.names(in: folder.path) == ["file"])
        FolderTree.remove(file)
        FolderTree.remove(file)
        FolderTree.remove("\(folder.path)/none/file")
        #expect(TestFolder.names(in: folder.path).isEmpty)
    }
}
