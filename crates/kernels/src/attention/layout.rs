//! Where rows lie, and the products over them.

use gemm::Parallelism;

use super::Attention;

/// Where the row of `dim` values of a token and a head lies.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    start: usize,
    batch: usize,
    head: usize,
    /// From a token to the next.
    pub(super) row: usize,
}

impl Layout {
    /// The place of a row; heads are counted through all sequences.
    pub(super) fn place(&self, sizes: &Attention<'_>, head: usize, token: usize) -> usize {
        let (sequence, head) = (head / sizes.num_heads, head % sizes.num_heads);
        self.start + sequence * self.batch + head * self.head + token * self.row
    }

    /// The rows of a head from a token on.
    pub(super) fn rows<'a>(
        &self,
        sizes: &Attention<'_>,
        head: usize,
        token: usize,
        values: &'a [f32],
    ) -> Rows<'a> {
        Rows { values: values.get(self.place(sizes, head, token)..).unwrap_or_default(), row: self.row }
    }
}

/// Where each tensor of an attention lies.
pub(super) struct Layouts {
    /// Query, key and value, and their gradients.
    pub(super) inputs: [Layout; 3],
    pub(super) output: Layout,
    /// Whether the queries are the keys' own tokens, and end where they end.
    pub(super) own: bool,
}

impl Layouts {
    /// `[batch, num_heads, tokens, dim]`
    pub(super) fn by_head(sizes: &Attention<'_>) -> Self {
        let of = |tokens: usize| Layout {
            start: 0,
            batch: sizes.num_heads * tokens * sizes.dim,
            head: tokens * sizes.dim,
            row: sizes.dim,
        };
        let (query, key) = (of(sizes.queries), of(sizes.keys));
        Layouts { inputs: [query, key, key], output: query, own: false }
    }

    /// `[batch, tokens, 3, num_heads, dim]`, and the output `[batch, tokens, num_heads, dim]`
    pub(super) fn side_by_side(sizes: &Attention<'_>) -> Self {
        let width = sizes.num_heads * sizes.dim;
        let of = |start: usize, row: usize| Layout { start, batch: sizes.keys * row, head: sizes.dim, row };
        let inputs = [0, 1, 2].map(|which| of(which * width, 3 * width));
        Layouts { inputs, output: of(0, width), own: true }
    }

    /// How many queries of a head there are.
    pub(super) fn queries(&self, sizes: &Attention<'_>, head: usize) -> usize {
        if self.own { sizes.length(head) } else { sizes.queries }
    }
}

/// A matrix of which a row begins every `row` values.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
}

impl Rows<'_> {
    /// Its strides as a matrix of so many rows and columns, down and to the right.
    #[track_caller]
    fn strides(&self, rows: usize, columns: usize) -> [isize; 2] {
        assert!(rows * columns == 0 || (rows - 1) * self.row + columns <= self.values.len());
        [self.row as isize, 1]
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// `a · b`
    Plain,
    /// `a · bᵀ`
    ByTransposed,
    /// `c + aᵀ · b`
    AddTransposed,
}

/// Writes `scale` times a product of `[m, k]` by `[k, n]` to `c`, `[m, n]`, of which a row begins every `c_row` values;
/// what is transposed lies in memory as `[k, m]` or `[n, k]`.
///
/// # Safety
/// `c` must be such a matrix that nobody else touches meanwhile.
pub(super) unsafe fn multiply(
    (c, c_row): (*mut f32, usize),
    a: Rows<'_>,
    b: Rows<'_>,
    [m, n, k]: [usize; 3],
    kind: Kind,
    scale: f32,
) {
    let add = kind == Kind::AddTransposed;
    if m * n == 0 || (k == 0 && add) {
        return;
    }
    if k == 0 {
        for row in 0..m {
            // SAFETY: passed on to the caller.
            unsafe { std::slice::from_raw_parts_mut(c.add(row * c_row), n) }.fill(0.0);
        }
        return;
    }
    let turned = |[row, column]: [isize; 2]| [column, row];
    let [a_row, a_column] = if add { turned(a.strides(k, m)) } else { a.strides(m, k) };
    let [b_row, b_column] =
        if kind == Kind::ByTransposed { turned(b.strides(n, k)) } else { b.strides(k, n) };
    // SAFETY: the slices hold matrices of these sizes and strides, as asserted above; the rest is the caller's.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c,
            1,
            c_row as isize,
            add,
            a.values.as_ptr(),
            a_column,
            a_row,
            b.values.as_ptr(),
            b_column,
            b_row,
            1.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
