/// Compares words that differ by one typing error: a letter too many, too few, wrong, or swapped with its neighbour.
enum OneEdit {
    /// Returns whether a single edit turns one word into the other.
    static func joins(_ left: UnsafeRawBufferPointer, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        let (a, b) = (left.count, right.count)
        guard abs(a - b) <= 1 else { return false }
        var start = 0
        while start < min(a, b), left[start] == right[start] { start += 1 }
        var end = 0
        while end < min(a, b) - start, left[a - 1 - end] == right[b - 1 - end] { end += 1 }
        let (leftRest, rightRest) = (a - start - end, b - start - end)
        if max(leftRest, rightRest) <= 1 { return true }
        return leftRest == 2 && rightRest == 2 && left[start] == right[start + 1] && left[start + 1] == right[start]
    }
}
