use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

#[test]
fn it_equals_its_reference() {
    let sizes =
        (0..=64).map(|dim| (9, dim, 23)).chain([(1, 3, 40), (500, 128, 300), (200, 70, 1000), (4, 5, 0)]);
    for (vocabulary, dim, n) in sizes {
        let mut random = Random::new(dim as u64);
        let table = random.numbers(vocabulary * dim);
        let tokens: Vec<u32> = (0..n).map(|_| random.below(vocabulary) as u32).collect();
        let gradient = random.numbers(n * dim);
        let expected = narrow(&reference::embedding(dim, &wide(&table), &tokens));
        for cpu in cpus() {
            let what = format!("{cpu:?} {vocabulary} {dim} {n}");
            let mut output = vec![9.0; n * dim];
            embedding(cpu, dim, &table, &tokens, &mut output);
            assert_close(&output, &expected, 0.0, format_args!("{what}"));
            for padding in [None, Some(0), Some(vocabulary - 1)] {
                let expected =
                    reference::embedding_gradient(dim, vocabulary, &tokens, padding, &wide(&gradient));
                let mut found = vec![9.0; table.len()];
                embedding_gradient(cpu, dim, &tokens, padding, &gradient, &mut found);
                assert_close(&found, &narrow(&expected), 1e-5, format_args!("{what}: gradient"));
                let mut again = vec![8.0; table.len()];
                let tokens: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
                embedding_gradient(cpu.alone(), dim, &tokens, padding, &gradient, &mut again);
                assert_eq!(found, again, "{what}: threads");
            }
        }
    }
}

#[test]
fn the_reference_has_the_gradient_of_differences() {
    let mut random = Random::new(6);
    let (table, weights) = (wide(&random.numbers(12)), wide(&random.numbers(15)));
    let tokens = [3, 1, 3, 0, 1];
    let expected = differences(&table, &weights, |table| reference::embedding(3, table, &tokens));
    let found = reference::embedding_gradient(3, 4, &tokens, None, &weights);
    assert_close(&narrow(&found), &narrow(&expected), 1e-6, format_args!("embedding"));
}

#[test]
fn unique_tokens_put_the_batch_together_again() {
    let mut random = Random::new(1);
    for n in 0..200 {
        let tokens: Vec<u32> = (0..n).map(|_| random.below(50) as u32).collect();
        let unique = unique_tokens(50, &tokens);
        let again: Vec<u32> = unique.index.iter().map(|&at| unique.tokens[at as usize]).collect();
        assert_eq!(again, tokens);
        let mut sorted = unique.tokens.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), unique.tokens.len(), "each token once");
    }
}

#[test]
#[should_panic(expected = "token 4 is not in a table of 4 rows")]
fn a_token_outside_the_table_is_refused() {
    embedding_gradient(Cpu::best(1), 2, &[0u32, 4], None, &[0.0; 4], &mut [0.0; 8]);
}
