//! Joins: chains of binary joins, and delta joins.

use super::Buffers;
use super::bundle::Bundle;
use super::plan::{keyed, map};
use super::time::RenderTime;
use crate::layout::{Errors, Keyed, RowArranged, Rows, Time};
use crate::ops::arrange::arrange;
use crate::ops::errors;
use crate::ops::half_join::{Meets, half_join};
use crate::ops::join::{JoinLogic, join};
use expr::Mfp;
use expr::plan::{DeltaPath, JoinPlan, JoinStage, Key};
use repr::Timestamp;

/// Renders a join of these inputs.
pub fn render<'s, T: RenderTime>(mut inputs: Vec<Bundle<'s, T>>, plan: &JoinPlan) -> Bundle<'s, T> {
    match plan {
        JoinPlan::Linear { start, initial, stages } => linear(&mut inputs, *start, initial, stages),
        JoinPlan::Delta(paths) => T::delta(inputs, paths),
    }
}

/// A chain: the stream of each stage is arranged by the key it looks up with.
pub fn linear<'s, T: RenderTime>(
    inputs: &mut [Bundle<'s, T>],
    start: usize,
    initial: &Mfp,
    stages: &[JoinStage],
) -> Bundle<'s, T> {
    arrange_inputs(inputs, stages);
    let mut stream = inputs[start].clone();
    if !initial.is_identity() {
        stream = map(stream, initial);
    }
    let mut failed: Vec<Errors<'s, T>> =
        inputs.iter().enumerate().filter(|(index, _)| *index != start).map(|(_, input)| input.errors.clone()).collect();
    for stage in stages {
        let left = match stream.arrangement(&stage.stream_key) {
            Some(arranged) => arranged.seen.clone(),
            None => {
                let (keyed, errors) = keyed_stream(&stream, &stage.stream_key);
                failed.push(errors);
                arrange(keyed, "Join stage").seen
            }
        };
        let (rows, errors) = join(left, looked_up(inputs, stage), logic(&stage.mfp));
        failed.push(errors);
        stream = Bundle::new(rows, stream.errors);
    }
    stream.errors = stream.errors.concatenate(failed);
    stream
}

/// A path for each input whose changes flow. See [`half_join`] for what a path meets.
pub fn delta<'s>(mut inputs: Vec<Bundle<'s, Timestamp>>, paths: &[DeltaPath]) -> Bundle<'s, Timestamp> {
    paths.iter().for_each(|path| arrange_inputs(&mut inputs, &path.stages));
    let mut failed: Vec<Errors<'s, Timestamp>> = inputs.iter().map(|input| input.errors.clone()).collect();
    let mut results: Vec<Rows<'s, Timestamp>> = Vec::new();
    for path in paths {
        let start = &inputs[path.start];
        let mut stream = Bundle::new(start.rows(), start.errors.clone());
        if !path.initial.is_identity() {
            // The errors of the input itself are counted once, above.
            let (rows, errors) =
                crate::ops::flat_map::flat_map(start.rows(), "Delta start", super::plan::mfp_logic(&path.initial));
            failed.push(errors);
            stream = Bundle::new(rows, stream.errors);
        }
        for stage in &path.stages {
            let (keyed, errors) = keyed_stream(&stream, &stage.stream_key);
            failed.push(errors);
            let meets = if stage.input < path.start { Meets::At } else { Meets::Before };
            let (rows, errors) = half_join(keyed, looked_up(&inputs, stage), meets, logic(&stage.mfp));
            failed.push(errors);
            stream = Bundle::new(rows, stream.errors);
        }
        results.push(stream.rows());
    }
    let scope = failed[0].inner.scope();
    Bundle::new(
        differential_dataflow::collection::concatenate(scope, results),
        differential_dataflow::collection::concatenate(scope, failed),
    )
}

fn arrange_inputs<T: RenderTime>(inputs: &mut [Bundle<'_, T>], stages: &[JoinStage]) {
    for stage in stages {
        inputs[stage.input].arrange(&stage.lookup_key);
    }
}

fn looked_up<'s, T: Time>(inputs: &[Bundle<'s, T>], stage: &JoinStage) -> RowArranged<'s, T> {
    let arranged = inputs[stage.input].arrangement(&stage.lookup_key).expect("arrange_inputs made it");
    arranged.seen.clone()
}

/// The stream by key, without rows whose key is NULL somewhere: they match nothing.
fn keyed_stream<'s, T: RenderTime>(stream: &Bundle<'s, T>, key: &Key) -> (Keyed<'s, T>, Errors<'s, T>) {
    let (key, mut buffers) = (key.clone(), Buffers::default());
    keyed(
        stream,
        "Join key",
        Box::new(move |row, output| match buffers.join_key(&key, row) {
            Ok(Some(key)) => output.give((key, row.to_row())),
            Ok(None) => {}
            Err(error) => output.err(error),
        }),
    )
}

fn logic(mfp: &Mfp) -> JoinLogic {
    let (mfp, mut buffers) = (mfp.clone(), Buffers::default());
    Box::new(move |left, right| match buffers.mfp(&mfp, &[left, right]) {
        Ok(row) => row.map(Ok),
        Err(error) => Some(Err(errors::pack(&error))),
    })
}
