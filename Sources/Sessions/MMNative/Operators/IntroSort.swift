/// .NET's own sort of a list. The order of equal keys depends on the algorithm, so this is the same one
/// (System.Private.CoreLib, ArraySortHelper: introspective sort with insertion sort below 17 elements).
struct IntroSort<Element> {
    private var items: [Element]
    private let compare: (Element, Element) throws(Interrupt) -> Int

    /// Returns the elements in order.
    static func sorted(
        _ items: [Element], by compare: @escaping (Element, Element) throws(Interrupt) -> Int
    ) throws(Interrupt) -> [Element] {
        guard items.count > 1 else { return items }
        var sort = IntroSort(items: items, compare: compare)
        let log = Int.bitWidth - 1 - items.count.leadingZeroBitCount
        try sort.sort(0, items.count, 2 * (log + 1))
        return sort.items
    }

    private mutating func sort(_ start: Int, _ end: Int, _ limit: Int) throws(Interrupt) {
        var count = end - start
        var limit = limit
        while count > 1 {
            if count <= 16 {
                switch count {
                case 2: try swapIfGreater(start, start + 1)
                case 3:
                    try swapIfGreater(start, start + 1)
                    try swapIfGreater(start, start + 2)
                    try swapIfGreater(start + 1, start + 2)
                default: try insert(start, count)
                }
                return
            }
            if limit == 0 { return try heap(start, count) }
            limit -= 1
            let pivot = try partition(start, count)
            try sort(start + pivot + 1, start + count, limit)
            count = pivot
        }
    }

    private mutating func swapIfGreater(_ left: Int, _ right: Int) throws(Interrupt) {
        if try compare(items[left], items[right]) > 0 { items.swapAt(left, right) }
    }

    private mutating func partition(_ start: Int, _ count: Int) throws(Interrupt) -> Int {
        let high = start + count - 1
        let middle = start + (count - 1) >> 1
        try swapIfGreater(start, middle)
        try swapIfGreater(start, high)
        try swapIfGreater(middle, high)
        let pivot = items[middle]
        items.swapAt(middle, high - 1)
        var left = start
        var right = high - 1
        while left < right {
            repeat {
                left += 1
                guard left <= high else { throw .handOver("an order that contradicts itself") }
            } while try compare(items[left], pivot) < 0
            repeat {
                right -= 1
                guard right >= start else { throw .handOver("an order that contradicts itself") }
            } while try compare(pivot, items[right]) < 0
            if left >= right { break }
            items.swapAt(left, right)
        }
        if left != high - 1 { items.swapAt(left, high - 1) }
        return left - start
    }

    private mutating func insert(_ start: Int, _ count: Int) throws(Interrupt) {
        for place in start..<(start + count - 1) {
            let item = items[place + 1]
            var free = place
            while free >= start, try compare(item, items[free]) < 0 {
                items[free + 1] = items[free]
                free -= 1
            }
            items[free + 1] = item
        }
    }

    private mutating func heap(_ start: Int, _ count: Int) throws(Interrupt) {
        for place in stride(from: count >> 1, through: 1, by: -1) { try sink(place, count, start) }
        for place in stride(from: count, to: 1, by: -1) {
            items.swapAt(start, start + place - 1)
            try sink(1, place - 1, start)
        }
    }

    private mutating func sink(_ from: Int, _ count: Int, _ start: Int) throws(Interrupt) {
        var place = from
        let item = items[start + place - 1]
        while place <= count >> 1 {
            var child = 2 * place
            if child < count, try compare(items[start + child - 1], items[start + child]) < 0 { child += 1 }
            guard try compare(item, items[start + child - 1]) < 0 else { break }
            items[start + place - 1] = items[start + child - 1]
            place = child
        }
        items[start + place - 1] = item
    }
}
